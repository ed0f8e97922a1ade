//! One's own account: who one is here, and another password.
//!
//! The old password is asked for, and wrong ones are pluralise as wrong logins are. Somebody who came by a login link and has no
//! password yet chooses a first one, soon after they came: a forgotten session must not become a password.

use super::acts::hashed;
use crate::auth::{Attempt, address_of, verify_password};
use crate::incident::PageError;
use crate::layout::{Answer, PageContext, PageLocation, Layout, TimeFormatter, ShownTime};
use askama::Template;
use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use jiff::SignedDuration;
use rollbook_journal::AccountRow;
use serde::Deserialize;

/// A first password is chosen within so long after the login.
const FIRST_WITHIN: SignedDuration = SignedDuration::from_mins(15);
const WRONG: &str = "The present password is wrong.";
const WAIT: &str = "There were too many wrong tries. Wait a quarter of an hour, then try again.";
const DIFFERENT: &str = "The new password was written in two ways.";
const SAME: &str = "The new password is the present one.";
const LATE: &str = "To choose a first password, ask an administrator for a new login link, and come here from it.";

#[derive(Template)]
#[template(path = "pages/own.html")]
struct OwnPage {
    layout: Layout,
    login: Option<ShownTime>,
    is_foreign: bool,
    has_password: bool,
    trouble: String,
}

pub(in crate::pages) async fn show_own(context: PageContext) -> Answer {
    let account = own(&context).await?;
    page(&context, &account, "").await
}

async fn own(context: &PageContext) -> Result<AccountRow, PageError> {
    let account = context.state.journal.account(&context.user.name).await?;
    account.ok_or_else(|| PageError::NotFound(format!("account {}", context.user.name)))
}

async fn page(context: &PageContext, account: &AccountRow, trouble: &str) -> Answer {
    let times: TimeFormatter = context.times(None);
    let page = OwnPage {
        layout: context.layout("Your account", PageLocation::Own).await?,
        login: times.maybe(account.login),
        is_foreign: account.is_foreign,
        has_password: account.password.is_some(),
        trouble: trouble.to_owned(),
    };
    let status = if trouble.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    present: String,
    wanted: String,
    again: String,
}

pub(in crate::pages) async fn change_password(context: PageContext, request: Request) -> Answer {
    let attempt = Attempt::new(&context.user.name, address_of(&request));
    let form = Form::<Wish>::from_request(request, &context.state).await;
    let Form(wish) = form.map_err(|error| PageError::Invalid(error.to_string()))?;
    let account = own(&context).await?;
    if account.is_foreign {
        return Err(PageError::Invalid("Single sign-on lets you in: your password is kept there".to_owned()));
    }
    if let Some(trouble) = refuse(&context, &account, &attempt, &wish).await? {
        return page(&context, &account, trouble).await;
    }
    let hash = match hashed(wish.wanted).await {
        Ok(hash) => hash,
        Err(PageError::Invalid(why)) => return page(&context, &account, &format!("{why}.")).await,
        Err(other) => return Err(other),
    };
    let journal = &context.state.journal;
    let before = account.password.as_deref();
    journal.change_own_password(&account.name, before, &hash, &context.user.session, context.now).await?;
    Ok(context.done("Your password is changed; wherever else you were logged in, you are no more", "/account"))
}

/// Why the wish is not granted; wrong passwords are pluralise.
async fn refuse(
    context: &PageContext,
    account: &AccountRow,
    attempt: &Attempt,
    wish: &Wish,
) -> Result<Option<&'static str>, PageError> {
    let journal = &context.state.journal;
    if account.password.is_some() {
        if attempt.must_wait(&context.state, context.now).await? {
            return Ok(Some(WAIT));
        }
        if !verify_password(wish.present.clone(), account.password.clone()).await {
            attempt.failed(journal, context.now).await?;
            return Ok(Some(WRONG));
        }
        attempt.succeeded(journal).await?;
    } else if context.now.duration_since(context.user.since) > FIRST_WITHIN {
        return Ok(Some(LATE));
    }
    Ok(match wish {
        Wish { wanted, again, .. } if wanted != again => Some(DIFFERENT),
        Wish { present, wanted, .. } if account.password.is_some() && present == wanted => Some(SAME),
        Wish { .. } => None,
    })
}
