//! What an administrator does with accounts and tokens. A secret that is made here is shown once, and kept as a hash only.

use crate::auth::{Scope, hash_password, hash_secret, make_secret};
use crate::incident::Failure;
use crate::layout::{Answer, Caller, Here, Shell, show};
use askama::Template;
use axum::extract::{Form, Path};
use jiff::{SignedDuration, Timestamp};
use rollbook_journal::NewToken;
use rollbook_settings::service::RoleName;
use serde::Deserialize;

/// A login link ends after so long.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// A token lasts so many days at most.
const TOKEN_DAYS_MAX: i64 = 730;

/// A secret, shown once.
#[derive(Template)]
#[template(path = "pages/secret.html")]
struct SecretPage {
    shell: Shell,
    heading: String,
    text: &'static str,
    secret: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct NewAccount {
    name: String,
    role: String,
    password: String,
}

pub(in crate::pages) async fn add_account(caller: Caller, Form(form): Form<NewAccount>) -> Answer {
    let name = form.name.trim();
    let fine = !name.is_empty()
        && name.chars().count() <= 100
        && name.chars().all(|letter| letter.is_alphanumeric() || "._-@+".contains(letter));
    if !fine {
        return Err(Failure::Invalid("A name has letters, digits and . _ - @ +".to_owned()));
    }
    let role = read_role(&form.role)?;
    let hash = match form.password.as_str() {
        "" => None,
        _ => Some(hashed(form.password).await?),
    };
    let journal = &caller.state.journal;
    journal.accounts().add(name, role, hash.as_deref(), &caller.visitor.name, caller.now).await?;
    Ok(caller.done(&format!("{name} has an account, as {}", role.as_str()), "/accounts"))
}

fn read_role(word: &str) -> Result<RoleName, Failure> {
    RoleName::read(word).ok_or_else(|| Failure::Invalid(format!("\"{word}\" is no role")))
}

pub(super) async fn hashed(password: String) -> Result<String, Failure> {
    hash_password(password).await.map_err(|error| Failure::Invalid(capital(&error.to_string())))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Change {
    act: String,
    role: String,
    password: String,
}

pub(in crate::pages) async fn change_account(
    caller: Caller,
    Path(name): Path<String>,
    Form(change): Form<Change>,
) -> Answer {
    let journal = &caller.state.journal;
    let (by, now) = (&caller.visitor.name, caller.now);
    let said = match change.act.as_str() {
        "role" => {
            let role = read_role(&change.role)?;
            journal.accounts().set_role(&name, role, by, now).await?;
            format!("{name} is {} now", role.as_str())
        }
        "password" => {
            let hash = hashed(change.password).await?;
            journal.accounts().set_password(&name, &hash, by, now).await?;
            format!("{name} has another password, and is logged out everywhere")
        }
        "disable" => {
            journal.accounts().set_disabled(&name, true, by, now).await?;
            format!("{name} does not get in any more")
        }
        "enable" => {
            journal.accounts().set_disabled(&name, false, by, now).await?;
            format!("{name} gets in again")
        }
        "link" => return login_link(&caller, &name).await,
        other => return Err(Failure::Invalid(format!("\"{other}\" is nothing that can be done with an account"))),
    };
    Ok(caller.done(&said, "/accounts"))
}

async fn login_link(caller: &Caller, name: &str) -> Answer {
    let secret = make_secret();
    let expires = caller.now.checked_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
    let journal = &caller.state.journal;
    journal.accounts().add_login_link(name, &hash_secret(&secret), expires, &caller.visitor.name, caller.now).await?;
    let server = &caller.state.settings.server;
    let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
    let page = SecretPage {
        shell: caller.shell("Login link", Here::Accounts).await?,
        heading: format!("A login link for {name}"),
        text: "It works once, within an hour. It is shown only now.",
        secret: format!("{}/login/link/{secret}", base.trim_end_matches('/')),
    };
    show(&page)
}

pub(in crate::pages) async fn add_token(caller: Caller, Form(fields): Form<Vec<(String, String)>>) -> Answer {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    let name: String = field("name").chars().take(100).collect();
    let days: i64 = field("days").parse().unwrap_or_default();
    let scopes: Vec<&str> = fields.iter().filter(|(key, _)| key == "scope").map(|(_, value)| value.as_str()).collect();
    if name.is_empty() || scopes.is_empty() || scopes.iter().any(|scope| Scope::read(scope).is_none()) {
        return Err(Failure::Invalid("A token needs a name and a scope".to_owned()));
    }
    if !(1..=TOKEN_DAYS_MAX).contains(&days) {
        return Err(Failure::Invalid(format!("A token lasts 1 to {TOKEN_DAYS_MAX} days")));
    }
    let expires = caller.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let secret = format!("rbk_{}", make_secret());
    let scope = scopes.join(" ");
    let token = NewToken { name: &name, hash: &hash_secret(&secret), scope: &scope, expires };
    caller.state.journal.tokens().add(&token, &caller.visitor.name, caller.now).await?;
    let page = SecretPage {
        shell: caller.shell("Token", Here::Accounts).await?,
        heading: format!("The token {name}"),
        text: "It is shown only now: keep it where the program finds it.",
        secret,
    };
    show(&page)
}

pub(in crate::pages) async fn revoke_token(caller: Caller, Path(id): Path<i64>) -> Answer {
    caller.state.journal.tokens().revoke(id, &caller.visitor.name, caller.now).await?;
    Ok(caller.done("The token is revoked", "/accounts"))
}
