//! What an administrator does with accounts and tokens. A secret that is made here is shown once and stored as a hash.

use crate::auth::permissions::Scope;
use crate::auth::{account_name, hash_password, hash_secret, make_secret};
use crate::layout::{Layout, PageContext, PageLocation, PageResult, capitalise, show};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, PathParam};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::RoleName;
use rollbook_journal::NewToken;
use serde::Deserialize;

/// A login link ends after so long.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// A token lasts so many days at most.
const TOKEN_DAYS_MAX: i64 = 730;

/// A secret, shown once.
#[derive(Template)]
#[template(path = "pages/secret.html")]
struct SecretPage {
    layout: Layout,
    heading: String,
    text: &'static str,
    secret: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct NewAccountForm {
    name: String,
    role: String,
    password: String,
}

pub(in crate::pages) async fn add_account(
    context: PageContext,
    FormData(form): FormData<NewAccountForm>,
) -> PageResult {
    let name = account_name(&form.name).map_err(|error| PageError::Invalid(capitalise(&error.to_string())))?;
    let role = read_role(&form.role)?;
    let hash = match form.password.as_str() {
        "" => None,
        _ => Some(hash_or_refuse(form.password).await?),
    };
    let journal = &context.state.journal;
    journal.accounts().add(name, role, hash.as_deref(), &context.user.name, context.now).await?;
    Ok(context.redirect(&format!("The account {name} was added, as {}", role.as_str()), "/accounts"))
}

fn read_role(word: &str) -> Result<RoleName, PageError> {
    RoleName::read(word).ok_or_else(|| PageError::Invalid(format!("\"{word}\" is not a role")))
}

pub(in crate::pages) async fn hash_or_refuse(password: String) -> Result<String, PageError> {
    hash_password(password).await.map_err(|error| PageError::Invalid(capitalise(&error.to_string())))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct AccountForm {
    act: String,
    role: String,
    password: String,
}

pub(in crate::pages) async fn change_account(
    context: PageContext,
    PathParam(name): PathParam<String>,
    FormData(change): FormData<AccountForm>,
) -> PageResult {
    let journal = &context.state.journal;
    let (by, now) = (&context.user.name, context.now);
    let flash = match change.act.as_str() {
        "role" => {
            let role = read_role(&change.role)?;
            journal.accounts().set_role(&name, role, by, now).await?;
            format!("{name} is now {}", role.as_str())
        }
        "password" => {
            let hash = hash_or_refuse(change.password).await?;
            journal.accounts().set_password(&name, &hash, by, now).await?;
            format!("The password of {name} was changed; all sessions of the account have ended")
        }
        "disable" => {
            journal.accounts().set_disabled(&name, true, by, now).await?;
            format!("{name} is disabled")
        }
        "enable" => {
            journal.accounts().set_disabled(&name, false, by, now).await?;
            format!("{name} is enabled")
        }
        "link" => return login_link(&context, &name).await,
        other => return Err(PageError::Invalid(format!("\"{other}\" is not an action on an account"))),
    };
    Ok(context.redirect(&flash, "/accounts"))
}

async fn login_link(context: &PageContext, name: &str) -> PageResult {
    let secret = make_secret();
    let expires = context.now.checked_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
    let journal = &context.state.journal;
    journal.accounts().add_login_link(name, &hash_secret(&secret), expires, &context.user.name, context.now).await?;
    let server = &context.state.settings.server;
    let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
    let page = SecretPage {
        layout: context.layout("Login link", PageLocation::Accounts).await?,
        heading: format!("A login link for {name}"),
        text: "It works once, within an hour. It is not shown again.",
        secret: format!("{}/login/link/{secret}", base.trim_end_matches('/')),
    };
    show(&page)
}

pub(in crate::pages) async fn add_token(
    context: PageContext,
    FormData(fields): FormData<Vec<(String, String)>>,
) -> PageResult {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    let name: String = field("name").chars().take(100).collect();
    let days: i64 = field("days").parse().unwrap_or_default();
    let scopes: Vec<&str> = fields.iter().filter(|(key, _)| key == "scope").map(|(_, value)| value.as_str()).collect();
    if name.is_empty() || scopes.is_empty() || scopes.iter().any(|scope| Scope::parse(scope).is_none()) {
        return Err(PageError::Invalid("A token requires a name and a scope".to_owned()));
    }
    if !(1..=TOKEN_DAYS_MAX).contains(&days) {
        return Err(PageError::Invalid(format!("A token lasts 1 to {TOKEN_DAYS_MAX} days")));
    }
    let expires = context.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let secret = format!("rbk_{}", make_secret());
    let scope = scopes.join(" ");
    let token = NewToken { name: &name, hash: &hash_secret(&secret), scope: &scope, expires };
    context.state.journal.tokens().add(&token, &context.user.name, context.now).await?;
    let page = SecretPage {
        layout: context.layout("Token", PageLocation::Accounts).await?,
        heading: format!("The token {name}"),
        text: "It is not shown again: store it where the program reads it.",
        secret,
    };
    show(&page)
}

pub(in crate::pages) async fn revoke_token(context: PageContext, PathParam(id): PathParam<i64>) -> PageResult {
    context.state.journal.tokens().revoke(id, &context.user.name, context.now).await?;
    Ok(context.redirect("The token is revoked", "/accounts"))
}
