//! One's own account: who one is here, and another password.
//!
//! The old password is asked for, and wrong ones are counted as wrong logins are. Somebody who came by a login link and has no
//! password yet chooses a first one, soon after they came: a forgotten session must not become a password.

use super::acts::hashed;
use crate::auth::{Attempt, address_of, verify_password};
use crate::incident::Failure;
use crate::layout::{Answer, Caller, Here, Shell, TimeFormatter, When};
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
    shell: Shell,
    login: Option<When>,
    is_foreign: bool,
    has_password: bool,
    trouble: String,
}

pub(in crate::pages) async fn show_own(caller: Caller) -> Answer {
    let account = own(&caller).await?;
    page(&caller, &account, "").await
}

async fn own(caller: &Caller) -> Result<AccountRow, Failure> {
    let account = caller.state.journal.accounts().find(&caller.visitor.name).await?;
    account.ok_or_else(|| Failure::NotFound(format!("account {}", caller.visitor.name)))
}

async fn page(caller: &Caller, account: &AccountRow, trouble: &str) -> Answer {
    let clockwork: TimeFormatter = caller.clockwork(None);
    let page = OwnPage {
        shell: caller.shell("Your account", Here::Own).await?,
        login: clockwork.maybe(account.login),
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

pub(in crate::pages) async fn change_password(caller: Caller, request: Request) -> Answer {
    let attempt = Attempt::new(&caller.visitor.name, address_of(&request));
    let form = Form::<Wish>::from_request(request, &caller.state).await;
    let Form(wish) = form.map_err(|error| Failure::Invalid(error.to_string()))?;
    let account = own(&caller).await?;
    if account.is_foreign {
        return Err(Failure::Invalid("Single sign-on lets you in: your password is kept there".to_owned()));
    }
    if let Some(trouble) = refuse(&caller, &account, &attempt, &wish).await? {
        return page(&caller, &account, trouble).await;
    }
    let hash = match hashed(wish.wanted).await {
        Ok(hash) => hash,
        Err(Failure::Invalid(why)) => return page(&caller, &account, &format!("{why}.")).await,
        Err(other) => return Err(other),
    };
    let journal = &caller.state.journal;
    let before = account.password.as_deref();
    journal.accounts().change_own_password(&account.name, before, &hash, &caller.visitor.session, caller.now).await?;
    Ok(caller.done("Your password is changed; wherever else you were logged in, you are no more", "/account"))
}

/// Why the wish is not granted; wrong passwords are counted.
async fn refuse(
    caller: &Caller,
    account: &AccountRow,
    attempt: &Attempt,
    wish: &Wish,
) -> Result<Option<&'static str>, Failure> {
    let journal = &caller.state.journal;
    if account.password.is_some() {
        if attempt.must_wait(&caller.state, caller.now).await? {
            return Ok(Some(WAIT));
        }
        if !verify_password(wish.present.clone(), account.password.clone()).await {
            attempt.failed(journal, caller.now).await?;
            return Ok(Some(WRONG));
        }
        attempt.succeeded(journal).await?;
    } else if caller.now.duration_since(caller.visitor.since) > FIRST_WITHIN {
        return Ok(Some(LATE));
    }
    Ok(match wish {
        Wish { wanted, again, .. } if wanted != again => Some(DIFFERENT),
        Wish { present, wanted, .. } if account.password.is_some() && present == wanted => Some(SAME),
        Wish { .. } => None,
    })
}
