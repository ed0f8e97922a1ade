//! Attention: what needs a person, the evidence of both sides, and the safe ways out. A decision is a request to the process,
//! which releases every record that waits behind the item.

use super::submit::submit;
use super::views::evidence::{Remedies, Side, sides};
use super::views::record::{RecordRow, record_row};
use crate::auth::permissions::Permission;
use crate::layout::{
    Layout, NextPage, PageContext, PageLocation, PageResult, SelectOption, ShownTime, TimeFormatter, label_of,
    pluralise, sentence, show,
};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, PathParam, QueryParams};
use askama::Template;
use rollbook_core::model::{Field, LinkName, MoodleUserId};
use rollbook_core::notice::AlertKind;
use rollbook_journal::requests::{AttentionAct, Job};
use rollbook_journal::{AttentionFilter, AttentionItem, LogRow};
use serde::Deserialize;

const ITEMS: u32 = 200;
const RECORDS: u32 = 100;

#[derive(Template)]
#[template(path = "pages/attention.html")]
struct AttentionPage {
    layout: Layout,
    may_decide: bool,
    groups: Vec<ItemGroup>,
    links: Vec<SelectOption>,
    is_all: bool,
    next: Option<NextPage>,
}

/// Items of a kind, the kind with the most first.
struct ItemGroup {
    kind: String,
    label: String,
    advice: String,
    items: Vec<ItemRow>,
    open: usize,
}

struct ItemRow {
    id: i64,
    is_open: bool,
    path: String,
    title: String,
    link: String,
    records: String,
    since: ShownTime,
    resolved: String,
}

#[derive(Template)]
#[template(path = "pages/item.html")]
struct ItemPage {
    layout: Layout,
    item: ItemRow,
    heading: String,
    id: i64,
    is_open: bool,
    may_decide: bool,
    summary: String,
    advice: String,
    may_report: bool,
    sides: Vec<Side>,
    remedies: Remedies,
    records: Vec<RecordRow>,
    left_out: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct AttentionPageQuery {
    link: String,
    kind: String,
    show: String,
    before: String,
}

pub(in crate::pages) async fn show_attention(
    context: PageContext,
    QueryParams(query): QueryParams<AttentionPageQuery>,
) -> PageResult {
    let non_blank = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let is_all = query.show == "all";
    let filter = AttentionFilter {
        link: non_blank(&query.link).map(LinkName::new),
        kind: non_blank(&query.kind),
        with_closed: is_all,
        before: query.before.parse().ok(),
    };
    let mut items = context.state.journal.attention().list(&filter, ITEMS + 1).await?;
    let more = items.len() > ITEMS as usize;
    items.truncate(ITEMS as usize);
    let query_string = |before: &str| {
        let pairs = [("link", &*query.link), ("kind", &*query.kind), ("show", &*query.show), ("before", before)];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let next = items.last().filter(|_| more);
    let next = next.map(|last| NextPage { path: format!("/attention?{}", query_string(&last.id.to_string())) });
    let names: Vec<&str> = context.state.settings.links.keys().map(LinkName::as_str).collect();
    let all = std::iter::once(("", "all".to_owned()));
    let page = AttentionPage {
        layout: Layout { live: 5, ..context.layout("Attention", PageLocation::Attention).await? },
        may_decide: context.may(Permission::Resolve),
        groups: groups(&context, &items),
        links: SelectOption::list(all.chain(names.iter().map(|name| (*name, (*name).to_owned()))), &query.link),
        is_all,
        next,
    };
    show(&page)
}

/// The attention items of a link and kind.
pub(super) fn attention_path(link: &str, kind: &str) -> String {
    let pairs = [("link", link), ("kind", kind)];
    format!("/attention?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn groups(context: &PageContext, items: &[AttentionItem]) -> Vec<ItemGroup> {
    let mut groups: Vec<ItemGroup> = Vec::new();
    for item in items {
        let row = item_row(item, &context.times(Some(&item.link)));
        let open = usize::from(row.is_open);
        match groups.iter_mut().find(|group| group.kind == item.kind) {
            Some(group) => {
                group.items.push(row);
                group.open += open;
            }
            None => groups.push(ItemGroup {
                kind: item.kind.clone(),
                label: label_of(&item.kind),
                advice: sentence(AlertKind::of_attention(&item.kind).1),
                items: vec![row],
                open,
            }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.items.len()));
    groups
}

fn item_row(item: &AttentionItem, times: &TimeFormatter) -> ItemRow {
    let resolved = match (&item.resolution, item.closed) {
        (Some((action, by, reason)), _) if reason.is_empty() => format!("{action} by {by}"),
        (Some((action, by, reason)), _) => format!("{action} by {by}: {reason}"),
        (None, Some(_)) => "the cause no longer exists".to_owned(),
        (None, None) => String::new(),
    };
    ItemRow {
        id: item.id,
        is_open: item.closed.is_none(),
        path: format!("/attention/{}", item.id),
        title: item.named(),
        link: item.link.to_string(),
        records: if item.records == 0 { String::new() } else { pluralise(item.records, "record") },
        since: times.ago(item.opened),
        resolved,
    }
}

pub(in crate::pages) async fn show_item(context: PageContext, PathParam(id): PathParam<i64>) -> PageResult {
    let journal = &context.state.journal;
    let item = journal.attention().find(id).await?;
    let records = journal.attention().records_behind(id, 0, RECORDS).await?;
    let times = context.times(Some(&item.link));
    let (sides, remedies, summary) = sides(&item, records.first());
    let heading = match records.first() {
        Some(row) => format!("{}: {}", label_of(&item.kind), about(&item, row)),
        None => label_of(&item.kind),
    };
    let page = ItemPage {
        layout: context.layout(heading.clone(), PageLocation::Attention).await?,
        heading,
        id,
        is_open: item.closed.is_none(),
        may_decide: context.may(Permission::Resolve),
        summary,
        advice: sentence(AlertKind::of_attention(&item.kind).1),
        may_report: context.may(Permission::Report),
        sides,
        remedies,
        left_out: item.records.saturating_sub(records.len() as u64),
        records: records.iter().map(|row| record_row(row, &context.state.settings, &times)).collect(),
        item: item_row(&item, &times),
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
pub(in crate::pages) struct DecisionForm {
    act: String,
    account: String,
    reason: String,
}

pub(in crate::pages) async fn decide_item(
    context: PageContext,
    PathParam(id): PathParam<i64>,
    FormData(decision): FormData<DecisionForm>,
) -> PageResult {
    let item = context.state.journal.attention().find(id).await?;
    if item.closed.is_some() {
        return Err(PageError::Conflict(format!("Item {id} has been decided already")));
    }
    let reason = decision.reason.trim().to_owned();
    let act = match decision.act.as_str() {
        "try_again" => AttentionAct::TryAgain { reason },
        "use_account" => {
            let user = decision.account.parse().map(MoodleUserId);
            AttentionAct::UseAccount {
                user: user.map_err(|_| PageError::Invalid("No account was selected".to_owned()))?,
            }
        }
        "update_mail" => AttentionAct::UpdateMail,
        "ignore" if reason.is_empty() => {
            return Err(PageError::Invalid("Ignoring an item requires a reason".to_owned()));
        }
        "ignore" => AttentionAct::Ignore { reason },
        other => return Err(PageError::Invalid(format!("\"{other}\" is not a decision"))),
    };
    let path = submit(&context, &Job::Attend { link: item.link, item: id, act }).await?;
    Ok(context.redirect("The decision was saved and is being executed", &path))
}

/// A decision about several items of a kind: those that are selected, or all that the page shows.
pub(in crate::pages) async fn decide_items(
    context: PageContext,
    FormData(fields): FormData<Vec<(String, String)>>,
) -> PageResult {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    let chosen = |name: &str| -> Vec<i64> {
        fields.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.parse().ok()).collect()
    };
    let reason = field("reason").to_owned();
    let (ids, act) = match field("act") {
        "try_again" => (chosen("item"), AttentionAct::TryAgain { reason }),
        "try_all" => (chosen("shown"), AttentionAct::TryAgain { reason }),
        "ignore" if reason.is_empty() => {
            return Err(PageError::Invalid("Ignoring items requires a reason".to_owned()));
        }
        "ignore" => (chosen("item"), AttentionAct::Ignore { reason }),
        other => return Err(PageError::Invalid(format!("\"{other}\" is not a decision"))),
    };
    if ids.is_empty() {
        return Err(PageError::Invalid("No item was selected".to_owned()));
    }
    let mut decided = 0_u64;
    for id in ids.into_iter().take(ITEMS as usize) {
        let item = context.state.journal.attention().find(id).await?;
        // Somebody else may have decided it meanwhile.
        if item.closed.is_none() {
            submit(&context, &Job::Attend { link: item.link, item: id, act: act.clone() }).await?;
            decided += 1;
        }
    }
    let flash = format!("{} saved; the records are being released", pluralise(decided, "decision"));
    Ok(context.redirect(&flash, "/attention"))
}
