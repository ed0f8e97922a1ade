//! Accounts and tokens: who may come in and as what; and what people did lately.
//!
//! Next: `acts`, then `own`, what each person does with their own account.

mod acts;
mod own;

pub(super) use acts::{add_account, add_token, change_account, revoke_token};
pub(super) use own::{change_password, show_own};

use super::story::plain;
use crate::auth::{Permission, Scope};
use crate::layout::{Answer, Badge, Caller, Choice, Here, Shell, TimeFormatter, Tone, When, show};
use askama::Template;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::SCHEDULE;
use rollbook_journal::{AccountRow, StoredEvent, TokenRow};
use rollbook_settings::service::RoleName;

/// So many acts of people are shown, of each link.
const ACTS: u32 = 50;

#[derive(Template)]
#[template(path = "pages/accounts.html")]
struct AccountsPage {
    shell: Shell,
    may_manage: bool,
    accounts: Vec<AccountLine>,
    roles: Vec<Choice>,
    tokens: Vec<TokenLine>,
    scopes: Vec<Scope>,
    acts: Vec<Act>,
    in_the_clear: bool,
}

struct AccountLine {
    name: String,
    badge: Badge,
    is_disabled: bool,
    is_foreign: bool,
    roles: Vec<Choice>,
    role: &'static str,
    login: Option<When>,
    made: When,
    made_by: String,
}

struct TokenLine {
    id: i64,
    name: String,
    scope: String,
    badge: Badge,
    holds: bool,
    expires: When,
    used: Option<When>,
    made_by: String,
}

struct Act {
    at: When,
    by: String,
    link: String,
    what: String,
    /// The request; empty where it was none.
    path: String,
}

pub(super) async fn show_accounts(caller: Caller) -> Answer {
    let journal = &caller.state.journal;
    let clockwork = caller.clockwork(None);
    let mut acts = journal.runs().acts(&LinkName::new(""), i64::MAX, ACTS).await?;
    for link in caller.state.settings.links.keys() {
        acts.extend(journal.runs().acts(link, i64::MAX, ACTS).await?);
    }
    acts.retain(|event| event.author != SCHEDULE);
    acts.sort_by_key(|event| std::cmp::Reverse(event.id));
    acts.truncate(ACTS as usize);
    let page = AccountsPage {
        shell: caller.shell("Accounts", Here::Accounts).await?,
        may_manage: caller.may(Permission::Manage),
        accounts: journal.accounts().list().await?.iter().map(|row| account_line(row, &clockwork)).collect(),
        roles: roles(RoleName::Viewer),
        tokens: journal.tokens().list().await?.iter().map(|row| token_line(row, &clockwork)).collect(),
        scopes: Scope::ALL.to_vec(),
        acts: acts.iter().map(|event| act(event, &clockwork)).collect(),
        in_the_clear: caller.state.settings.server.in_the_clear(),
    };
    show(&page)
}

fn roles(chosen: RoleName) -> Vec<Choice> {
    Choice::list(RoleName::ALL.map(|role| (role.as_str(), role.as_str().to_owned())), chosen.as_str())
}

fn account_line(row: &AccountRow, clockwork: &TimeFormatter) -> AccountLine {
    let badge = match (row.disabled, row.is_foreign, &row.password) {
        (Some(_), _, _) => Badge::new(Tone::Plain, "disabled"),
        (None, true, _) => Badge::new(Tone::Good, "single sign-on"),
        (None, false, Some(_)) => Badge::new(Tone::Good, "password"),
        (None, false, None) => Badge::new(Tone::Warn, "login link only"),
    };
    AccountLine {
        name: row.name.clone(),
        badge,
        is_disabled: row.disabled.is_some(),
        is_foreign: row.is_foreign,
        roles: roles(row.role),
        role: row.role.as_str(),
        login: clockwork.maybe(row.login),
        made: clockwork.ago(row.made),
        made_by: row.made_by.clone(),
    }
}

fn token_line(row: &TokenRow, clockwork: &TimeFormatter) -> TokenLine {
    let holds = row.revoked.is_none() && row.expires > clockwork.now;
    let badge = match (row.revoked, holds) {
        (Some(_), _) => Badge::new(Tone::Plain, "revoked"),
        (None, true) => Badge::new(Tone::Good, "holds"),
        (None, false) => Badge::new(Tone::Plain, "expired"),
    };
    TokenLine {
        id: row.id,
        name: row.name.clone(),
        scope: row.scope.clone(),
        badge,
        holds,
        expires: clockwork.ago(row.expires),
        used: clockwork.maybe(row.used),
        made_by: row.made_by.clone(),
    }
}

fn act(event: &StoredEvent, clockwork: &TimeFormatter) -> Act {
    Act {
        at: clockwork.exactly(event.at),
        by: event.author.clone(),
        link: event.link.to_string(),
        what: match (event.payload["act"].as_str(), event.payload["what"].as_str()) {
            (Some("ask"), Some(what)) => asked(what),
            _ => plain(&event.payload),
        },
        path: event.payload["request"].as_i64().map(|id| format!("/requests/{id}")).unwrap_or_default(),
    }
}

/// What somebody asked of the process, by the stored word of the request.
fn asked(what: &str) -> String {
    let told = match what {
        "run_link" => "asked for a run",
        "apply_plan" => "had an approved plan applied",
        "query_feed" => "asked the feed",
        "process_records" => "processed records by hand",
        "attend" => "decided about what waited",
        "preview_completion" => "looked at a completion",
        "send_completion" => "sent a completion by hand",
        "retry_completions" => "sent completions again",
        "mark_completions" => "marked completions as reported elsewhere",
        "supply_enrolment" => "supplied an enrolment id",
        "check_completions" => "asked for the completions that are due",
        "sync_member" => "had a member synchronised",
        "examine" => "asked the doctor",
        other => return format!("asked: {}", other.replace('_', " ")),
    };
    told.to_owned()
}
