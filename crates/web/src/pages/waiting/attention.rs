//! Attention: what waits for a human, the evidence of both sides, and the safe ways out. A decision is asked of the process,
//! which releases every record that waits behind the item.

use super::evidence::{Remedies, Side, sides};
use crate::auth::Permission;
use crate::incident::Failure;
use crate::layout::{
    Answer, Caller, Choice, Here, More, Shell, TimeFormatter, When, counted, sentence, show, word_label,
};
use crate::pages::links::put;
use crate::pages::log::{LogLine, line};
use askama::Template;
use axum::extract::{Form, Path, Query};
use rollbook_core::model::{Field, LinkName, MoodleUserId};
use rollbook_core::notice::AlertKind;
use rollbook_journal::requests::{AttentionAct, Job};
use rollbook_journal::{AttentionFilter, AttentionItem, LogRow};
use serde::Deserialize;

const ITEMS: u32 = 50;
const RECORDS: u32 = 100;

#[derive(Template)]
#[template(path = "pages/attention.html")]
struct AttentionPage {
    shell: Shell,
    items: Vec<ItemLine>,
    links: Vec<Choice>,
    is_all: bool,
    next: Option<More>,
}

struct ItemLine {
    path: String,
    title: String,
    kind: String,
    link: String,
    records: String,
    since: When,
    resolved: String,
}

#[derive(Template)]
#[template(path = "pages/item.html")]
struct ItemPage {
    shell: Shell,
    item: ItemLine,
    heading: String,
    id: i64,
    is_open: bool,
    may_decide: bool,
    words: String,
    advice: String,
    may_report: bool,
    sides: Vec<Side>,
    remedies: Remedies,
    records: Vec<LogLine>,
    left_out: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    link: String,
    kind: String,
    show: String,
    before: String,
}

pub(in crate::pages) async fn show_attention(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let is_all = wanted.show == "all";
    let filter = AttentionFilter {
        link: said(&wanted.link).map(LinkName::new),
        kind: said(&wanted.kind),
        with_closed: is_all,
        before: wanted.before.parse().ok(),
    };
    let mut items = caller.state.journal.attention().list(&filter, ITEMS + 1).await?;
    let more = items.len() > ITEMS as usize;
    items.truncate(ITEMS as usize);
    let query = |before: &str| {
        let pairs = [("link", &*wanted.link), ("kind", &*wanted.kind), ("show", &*wanted.show), ("before", before)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let next = items.last().filter(|_| more);
    let next = next.map(|last| More { path: format!("/attention?{}", query(&last.id.to_string())) });
    let names: Vec<&str> = caller.state.settings.links.keys().map(LinkName::as_str).collect();
    let all = std::iter::once(("", "all".to_owned()));
    let page = AttentionPage {
        shell: Shell { live: 5, ..caller.shell("Attention", Here::Attention).await? },
        items: items.iter().map(|item| item_line(item, &caller.clockwork(Some(&item.link)))).collect(),
        links: Choice::list(all.chain(names.iter().map(|name| (*name, (*name).to_owned()))), &wanted.link),
        is_all,
        next,
    };
    show(&page)
}

fn item_line(item: &AttentionItem, clockwork: &TimeFormatter) -> ItemLine {
    let resolved = match (&item.resolution, item.closed) {
        (Some((action, by, reason)), _) if reason.is_empty() => format!("{action} by {by}"),
        (Some((action, by, reason)), _) => format!("{action} by {by}: {reason}"),
        (None, Some(_)) => "its cause is gone".to_owned(),
        (None, None) => String::new(),
    };
    ItemLine {
        path: format!("/attention/{}", item.id),
        title: item.title.clone(),
        kind: match item.person.as_str() {
            "" => word_label(&item.kind),
            person => format!("{}: {person}", word_label(&item.kind)),
        },
        link: item.link.to_string(),
        records: if item.records == 0 { String::new() } else { counted(item.records, "record") },
        since: clockwork.ago(item.opened),
        resolved,
    }
}

pub(in crate::pages) async fn show_item(caller: Caller, Path(id): Path<i64>) -> Answer {
    let journal = &caller.state.journal;
    let item = journal.attention().find(id).await?;
    let records = journal.attention().records_behind(id, 0, RECORDS).await?;
    let clockwork = caller.clockwork(Some(&item.link));
    let (sides, remedies, words) = sides(&item, records.first());
    let heading = match records.first() {
        Some(row) => format!("{}: {}", word_label(&item.kind), about(&item, row)),
        None => word_label(&item.kind),
    };
    let page = ItemPage {
        shell: caller.shell(heading.clone(), Here::Attention).await?,
        heading,
        id,
        is_open: item.closed.is_none(),
        may_decide: caller.may(Permission::Resolve),
        words,
        advice: sentence(AlertKind::of_attention(&item.kind).1),
        may_report: caller.may(Permission::Report),
        sides,
        remedies,
        left_out: item.records.saturating_sub(records.len() as u64),
        records: records.iter().map(|row| line(row, &clockwork)).collect(),
        item: item_line(&item, &clockwork),
    };
    show(&page)
}

/// What an item is about: its course, where it is about one, else the person of its first record.
fn about(item: &AttentionItem, row: &LogRow) -> String {
    if item.subject == row.text.get(Field::Course) {
        return if row.course_name.is_empty() { format!("course {}", item.subject) } else { row.course_name.clone() };
    }
    let name = format!("{} {}", row.text.get(Field::FirstName), row.text.get(Field::LastName));
    if name.trim().is_empty() { item.subject.clone() } else { name.trim().to_owned() }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Decision {
    act: String,
    account: String,
    reason: String,
}

pub(in crate::pages) async fn decide_item(
    caller: Caller,
    Path(id): Path<i64>,
    Form(decision): Form<Decision>,
) -> Answer {
    let item = caller.state.journal.attention().find(id).await?;
    if item.closed.is_some() {
        return Err(Failure::Conflict(format!("Item {id} was decided already")));
    }
    let reason = decision.reason.trim().to_owned();
    let act = match decision.act.as_str() {
        "try_again" => AttentionAct::TryAgain { reason },
        "use_account" => {
            let user = decision.account.parse().map(MoodleUserId);
            AttentionAct::UseAccount { user: user.map_err(|_| Failure::Invalid("No account was chosen".to_owned()))? }
        }
        "update_mail" => AttentionAct::UpdateMail,
        "ignore" if reason.is_empty() => {
            return Err(Failure::Invalid("Whoever ignores something says why".to_owned()));
        }
        "ignore" => AttentionAct::Ignore { reason },
        other => return Err(Failure::Invalid(format!("\"{other}\" is nothing that can be decided"))),
    };
    let path = put(&caller, &Job::Attend { link: item.link, item: id, act }).await?;
    Ok(caller.done("The decision was noted; the process carries it out", &path))
}
