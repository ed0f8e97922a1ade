//! Accounts and tokens, and what people did recently.
//!
//! Next: `actions`.

mod actions;

pub(super) use actions::{add_account, add_token, change_account, hash_or_refuse, revoke_token};

use super::views::event::describe_payload;
use crate::auth::permissions::{Permission, Scope};
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, SelectOption, ShownTime, TimeFormatter, Tone, show,
};
use askama::Template;
use rollbook_core::model::LinkName;
use rollbook_core::model::RoleName;
use rollbook_journal::requests::SCHEDULE;
use rollbook_journal::{AccountRow, StoredEvent, TokenRow};

/// So many acts of people are shown, of each link.
const ACTS: u32 = 50;

#[derive(Template)]
#[template(path = "pages/accounts.html")]
struct AccountsPage {
    layout: Layout,
    may_manage: bool,
    accounts: Vec<AccountLine>,
    roles: Vec<SelectOption>,
    tokens: Vec<TokenLine>,
    scopes: Vec<Scope>,
    acts: Vec<RecentAction>,
    in_the_clear: bool,
}

struct AccountLine {
    name: String,
    badge: Badge,
    is_disabled: bool,
    is_foreign: bool,
    roles: Vec<SelectOption>,
    role: &'static str,
    login: Option<ShownTime>,
    made: ShownTime,
    made_by: String,
}

struct TokenLine {
    id: i64,
    name: String,
    scope: String,
    badge: Badge,
    is_valid: bool,
    expires: ShownTime,
    used: Option<ShownTime>,
    made_by: String,
}

struct RecentAction {
    at: ShownTime,
    by: String,
    link: String,
    what: String,
    /// The request; empty where it was none.
    path: String,
}

pub(super) async fn show_accounts(context: PageContext) -> PageResult {
    let journal = &context.state.journal;
    let times = context.times(None);
    let mut acts = journal.runs().acts(&LinkName::new(""), i64::MAX, ACTS).await?;
    for link in context.state.settings.links.keys() {
        acts.extend(journal.runs().acts(link, i64::MAX, ACTS).await?);
    }
    acts.retain(|event| event.author != SCHEDULE);
    acts.sort_by_key(|event| std::cmp::Reverse(event.id));
    acts.truncate(ACTS as usize);
    let page = AccountsPage {
        layout: context.layout("Accounts", PageLocation::Accounts).await?,
        may_manage: context.may(Permission::Manage),
        accounts: journal.accounts().list().await?.iter().map(|row| account_line(row, &times)).collect(),
        roles: roles(RoleName::Viewer),
        tokens: journal.tokens().list().await?.iter().map(|row| token_line(row, &times)).collect(),
        scopes: Scope::ALL.to_vec(),
        acts: acts.iter().map(|event| recent_action(event, &times)).collect(),
        in_the_clear: context.state.settings.server.in_the_clear(),
    };
    show(&page)
}

fn roles(chosen: RoleName) -> Vec<SelectOption> {
    SelectOption::list(RoleName::ALL.map(|role| (role.as_str(), role.as_str().to_owned())), chosen.as_str())
}

fn account_line(row: &AccountRow, times: &TimeFormatter) -> AccountLine {
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
        login: times.maybe(row.login),
        made: times.ago(row.made),
        made_by: row.made_by.clone(),
    }
}

fn token_line(row: &TokenRow, times: &TimeFormatter) -> TokenLine {
    let is_valid = row.revoked.is_none() && row.expires > times.now;
    let badge = match (row.revoked, is_valid) {
        (Some(_), _) => Badge::new(Tone::Plain, "revoked"),
        (None, true) => Badge::new(Tone::Good, "valid"),
        (None, false) => Badge::new(Tone::Plain, "expired"),
    };
    TokenLine {
        id: row.id,
        name: row.name.clone(),
        scope: row.scope.clone(),
        badge,
        is_valid,
        expires: times.ago(row.expires),
        used: times.maybe(row.used),
        made_by: row.made_by.clone(),
    }
}

fn recent_action(event: &StoredEvent, times: &TimeFormatter) -> RecentAction {
    RecentAction {
        at: times.exactly(event.at),
        by: event.author.clone(),
        link: event.link.to_string(),
        what: match (event.payload["act"].as_str(), event.payload["what"].as_str()) {
            (Some("ask"), Some(what)) => request_label(what),
            _ => describe_payload(&event.payload),
        },
        path: event.payload["request"].as_i64().map(|id| format!("/requests/{id}")).unwrap_or_default(),
    }
}

/// A request to the process, by its stored kind.
fn request_label(kind: &str) -> String {
    let label = match kind {
        "run_link" => "requested a run",
        "apply_plan" => "requested the run of an approved plan",
        "query_feed" => "queried the feed",
        "process_records" => "processed records manually",
        "attend" => "decided about an attention item",
        "preview_completion" => "previewed a completion",
        "send_completion" => "sent a completion manually",
        "retry_completions" => "sent completions again",
        "mark_completions" => "marked completions as reported elsewhere",
        "supply_enrolment" => "supplied an enrolment id",
        "check_completions" => "requested the check of due completions",
        "sync_member" => "requested the sync of a member",
        "examine" => "ran the doctor's checks",
        other => return format!("requested: {}", other.replace('_', " ")),
    };
    label.to_owned()
}
