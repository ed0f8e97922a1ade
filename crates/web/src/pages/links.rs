//! Actions on links: run, dry run, pause, resume. And the choice between light and dark.

use super::submit::{find_link, submit};
use crate::auth::cookie::Cookie;
use crate::auth::local_path;
use crate::layout::{PageContext, PageResult};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, PathParam};
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use rollbook_journal::requests::{Job, Narrow, Purpose};
use serde::Deserialize;
use std::time::Duration;

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Deserialize)]
pub(super) struct PauseForm {
    #[serde(default)]
    why: String,
}

pub(super) async fn run_now(context: PageContext, PathParam(link): PathParam<String>) -> PageResult {
    run(&context, &link, Purpose::Apply, "The run was requested").await
}

pub(super) async fn dry_run(context: PageContext, PathParam(link): PathParam<String>) -> PageResult {
    run(&context, &link, Purpose::DryRun, "The dry run was requested: nothing will be changed").await
}

async fn run(context: &PageContext, link: &str, purpose: Purpose, flash: &str) -> PageResult {
    let link = find_link(context, link)?.name().clone();
    let path = submit(context, &Job::RunLink { link, purpose, narrow: Narrow::Usual }).await?;
    Ok(context.redirect(flash, &path))
}

pub(super) async fn pause(
    context: PageContext,
    PathParam(link): PathParam<String>,
    FormData(form): FormData<PauseForm>,
) -> PageResult {
    let link = find_link(&context, &link)?.name().clone();
    if form.why.trim().is_empty() {
        return Err(PageError::Invalid("A pause requires a reason".to_owned()));
    }
    context.state.journal.links().pause(&link, &context.user.name, form.why.trim(), context.now).await?;
    Ok(context.redirect(&format!("{link} is paused: nothing runs or is sent until it is resumed"), "/"))
}

pub(super) async fn resume(context: PageContext, PathParam(link): PathParam<String>) -> PageResult {
    let link = find_link(&context, &link)?.name().clone();
    context.state.journal.links().resume(&link, &context.user.name, context.now).await?;
    context.state.wake.notify_one();
    Ok(context.redirect(&format!("{link} is resumed"), "/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct ThemeForm {
    theme: String,
    back: String,
}

pub(super) async fn choose_theme(context: PageContext, FormData(form): FormData<ThemeForm>) -> PageResult {
    let is_secure = context.state.is_secure;
    let cookie = match form.theme.as_str() {
        "light" | "dark" => Cookie::Theme.set(&form.theme, Some(A_YEAR), is_secure),
        _ => Cookie::Theme.clear(is_secure),
    };
    Ok((AppendHeaders([cookie]), Redirect::to(&local_path(&form.back))).into_response())
}
