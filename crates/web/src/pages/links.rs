//! Acts on links: run now, look what a run would do, pause, go on. And the choice between light and dark.

use crate::auth::Cookie;
use crate::incident::Failure;
use crate::layout::{Answer, Caller};
use axum::extract::{Form, Path};
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, Narrow, Purpose};
use rollbook_settings::link::Link;
use serde::Deserialize;
use std::time::Duration;

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Deserialize)]
pub(super) struct Why {
    #[serde(default)]
    why: String,
}

/// The configured link of a name.
pub(super) fn find_link<'a>(caller: &'a Caller, name: &str) -> Result<&'a Link, Failure> {
    let link = caller.state.settings.links.get(&LinkName::new(name));
    link.ok_or_else(|| Failure::NotFound(format!("link called {name}")))
}

/// Puts a request and wakes the process; gives the path of its page.
pub(super) async fn put(caller: &Caller, ask: &Job) -> Result<String, Failure> {
    let id = caller.state.journal.requests().put(ask, &caller.visitor.name, caller.now).await?;
    caller.state.wake.notify_one();
    Ok(format!("/requests/{id}"))
}

pub(super) async fn run_now(caller: Caller, Path(link): Path<String>) -> Answer {
    run(&caller, &link, Purpose::Apply, "The run was asked for").await
}

pub(super) async fn dry_run(caller: Caller, Path(link): Path<String>) -> Answer {
    run(&caller, &link, Purpose::DryRun, "A look was asked for: nothing will be changed").await
}

async fn run(caller: &Caller, link: &str, purpose: Purpose, said: &str) -> Answer {
    let link = find_link(caller, link)?.name().clone();
    let path = put(caller, &Job::RunLink { link, purpose, narrow: Narrow::Usual }).await?;
    Ok(caller.done(said, &path))
}

pub(super) async fn pause(caller: Caller, Path(link): Path<String>, Form(form): Form<Why>) -> Answer {
    let link = find_link(&caller, &link)?.name().clone();
    if form.why.trim().is_empty() {
        return Err(Failure::Invalid("A pause needs a reason, for those who wonder tomorrow".to_owned()));
    }
    caller.state.journal.links().pause(&link, &caller.visitor.name, form.why.trim(), caller.now).await?;
    Ok(caller.done(&format!("{link} is paused: nothing of it runs or is sent until it goes on"), "/"))
}

pub(super) async fn go_on(caller: Caller, Path(link): Path<String>) -> Answer {
    let link = find_link(&caller, &link)?.name().clone();
    caller.state.journal.links().resume(&link, &caller.visitor.name, caller.now).await?;
    caller.state.wake.notify_one();
    Ok(caller.done(&format!("{link} goes on"), "/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Theme {
    theme: String,
    back: String,
}

pub(super) async fn choose_theme(caller: Caller, Form(form): Form<Theme>) -> Answer {
    let secure = caller.state.secure;
    let cookie = match form.theme.as_str() {
        "light" | "dark" => Cookie::Theme.set(&form.theme, Some(A_YEAR), secure),
        _ => Cookie::Theme.clear(secure),
    };
    Ok((AppendHeaders([cookie]), Redirect::to(&crate::auth::local(&form.back))).into_response())
}
