//! One's own account: who one is here, and another password.
//!
//! The old password is asked for, and wrong ones are counted as wrong logins are. Somebody who came by a login link and has no
//! password yet chooses a first one, soon after they came: a forgotten session must not become a password.

use super::accounts::hash_or_refuse;
use crate::auth::{Attempt, AuthState, Verification, address_of};
use crate::layout::{Layout, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter};
use crate::page_error::PageError;
use askama::Template;
use axum::extract::{Form, FromRef, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use jiff::SignedDuration;
use rollbook_journal::AccountRow;
use serde::Deserialize;

/// A first password is chosen within so long after the login.
const FIRST_WITHIN: SignedDuration = SignedDuration::from_mins(15);
const WRONG: &str = "The current password is wrong.";
const MUST_WAIT: &str = "Too many failed attempts. Wait 15 minutes, then try again.";
const DIFFERENT: &str = "The two new passwords differ.";
const SAME: &str = "The new password is the current one.";
const LATE: &str = "Your login is too long ago to set a first password. Ask an administrator for a new login link.";

#[derive(Template)]
#[template(path = "pages/own_account.html")]
struct OwnAccountPage {
    layout: Layout,
    login: Option<ShownTime>,
    is_foreign: bool,
    has_password: bool,
    error: String,
}

pub(in crate::pages) async fn show_own_account(context: PageContext) -> PageResult {
    let account = own(&context).await?;
    page(&context, &account, "").await
}

async fn own(context: &PageContext) -> Result<AccountRow, PageError> {
    let account = context.state.journal.accounts().find(&context.user.name).await?;
    account.ok_or_else(|| PageError::NotFound(format!("account {}", context.user.name)))
}

async fn page(context: &PageContext, account: &AccountRow, error: &str) -> PageResult {
    let times: TimeFormatter = context.times(None);
    let page = OwnAccountPage {
        layout: context.layout("Your account", PageLocation::OwnAccount).await?,
        login: times.maybe(account.login),
        is_foreign: account.is_foreign,
        has_password: account.password.is_some(),
        error: error.to_owned(),
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PasswordForm {
    current: String,
    new: String,
    repeated: String,
}

pub(in crate::pages) async fn change_password(context: PageContext, request: Request) -> PageResult {
    let attempt = Attempt::new(&context.user.name, address_of(&AuthState::from_ref(&context.state), &request));
    let read = Form::<PasswordForm>::from_request(request, &context.state).await;
    let Form(form) = read.map_err(|error| PageError::Invalid(error.to_string()))?;
    let account = own(&context).await?;
    if account.is_foreign {
        return Err(PageError::Invalid("You sign in with single sign-on: your password is managed there".to_owned()));
    }
    if let Some(error) = refuse(&context, &account, &attempt, &form).await? {
        return page(&context, &account, error).await;
    }
    let hash = match hash_or_refuse(form.new).await {
        Ok(hash) => hash,
        Err(PageError::Invalid(why)) => return page(&context, &account, &format!("{why}.")).await,
        Err(other) => return Err(other),
    };
    let journal = &context.state.journal;
    let before = account.password.as_deref();
    journal.accounts().change_own_password(&account.name, before, &hash, &context.user.session, context.now).await?;
    Ok(context.redirect("Your password is changed. All your other sessions have ended", "/account"))
}

/// Why the form is not granted; wrong passwords are pluralise.
async fn refuse(
    context: &PageContext,
    account: &AccountRow,
    attempt: &Attempt,
    form: &PasswordForm,
) -> Result<Option<&'static str>, PageError> {
    if account.password.is_some() {
        let state = AuthState::from_ref(&context.state);
        match attempt.verify(&state, form.current.clone(), account.password.clone(), context.now).await? {
            Verification::Right => {}
            Verification::Wrong => return Ok(Some(WRONG)),
            Verification::MustWait => return Ok(Some(MUST_WAIT)),
        }
    } else if context.now.duration_since(context.user.logged_in_at) > FIRST_WITHIN {
        return Ok(Some(LATE));
    }
    Ok(match form {
        PasswordForm { new, repeated, .. } if new != repeated => Some(DIFFERENT),
        PasswordForm { current, new, .. } if account.password.is_some() && current == new => Some(SAME),
        PasswordForm { .. } => None,
    })
}
