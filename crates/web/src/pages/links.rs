//! Acts on links: run now, look what a run would do, pause, go on. And the choice between light and dark.

use crate::auth::Cookie;
use crate::incident::PageError;
use crate::layout::{Answer, PageContext};
use axum::extract::{Form, Path};
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Ask, Narrow, Purpose};
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
pub(super) fn find_link<'a>(context: &'a PageContext, name: &str) -> Result<&'a Link, PageError> {
    let link = context.state.settings.links.get(&LinkName::new(name));
    link.ok_or_else(|| PageError::NotFound(format!("link called {name}")))
}

/// Puts a request and wakes the process; gives the path of its page.
pub(super) async fn submit(context: &PageContext, ask: &Ask) -> Result<String, PageError> {
    let id = context.state.journal.put_request(ask, &context.user.name, context.now).await?;
    context.state.wake.notify_one();
    Ok(format!("/requests/{id}"))
}

pub(super) async fn run_now(context: PageContext, Path(link): Path<String>) -> Answer {
    run(&context, &link, Purpose::Apply, "The run was asked for").await
}

pub(super) async fn dry_run(context: PageContext, Path(link): Path<String>) -> Answer {
    run(&context, &link, Purpose::DryRun, "A look was asked for: nothing will be changed").await
}

async fn run(context: &PageContext, link: &str, purpose: Purpose, said: &str) -> Answer {
    let link = find_link(context, link)?.name().clone();
    let path = submit(context, &Ask::RunLink { link, purpose, narrow: Narrow::Usual }).await?;
    Ok(context.done(said, &path))
}

pub(super) async fn pause(context: PageContext, Path(link): Path<String>, Form(form): Form<Why>) -> Answer {
    let link = find_link(&context, &link)?.name().clone();
    if form.why.trim().is_empty() {
        return Err(PageError::Invalid("A pause needs a reason, for those who wonder tomorrow".to_owned()));
    }
    context.state.journal.pause(&link, &context.user.name, form.why.trim(), context.now).await?;
    Ok(context.done(&format!("{link} is paused: nothing of it runs or is sent until it goes on"), "/"))
}

pub(super) async fn go_on(context: PageContext, Path(link): Path<String>) -> Answer {
    let link = find_link(&context, &link)?.name().clone();
    context.state.journal.unpause(&link, &context.user.name, context.now).await?;
    context.state.wake.notify_one();
    Ok(context.done(&format!("{link} goes on"), "/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Theme {
    theme: String,
    back: String,
}

pub(super) async fn choose_theme(context: PageContext, Form(form): Form<Theme>) -> Answer {
    let is_secure = context.state.is_secure;
    let cookie = match form.theme.as_str() {
        "light" | "dark" => Cookie::Theme.set(&form.theme, Some(A_YEAR), is_secure),
        _ => Cookie::Theme.clear(is_secure),
    };
    Ok((AppendHeaders([cookie]), Redirect::to(&crate::auth::local(&form.back))).into_response())
}
