//! `rollbook attention`: what waits for a human, and what the human decides.
//!
//! A decision is an event with its author, and releases every record that waits behind the item.

use super::correct::{UpdateMail, UseAccount};
use super::{format_moment, zone_of};
use crate::cli::arguments::{find_link_option, read_kind};
use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::counted_as;
use rollbook_journal::{AttentionFilter, AttentionItem, Resolution};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Items that need a person's decision
#[derive(Debug, Args)]
pub(in crate::cli) struct AttentionCommand {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    List(List),
    Resolve(Resolve),
    UseAccount(UseAccount),
    UpdateMail(UpdateMail),
}

/// List the open items (the default)
#[derive(Debug, Default, Args)]
struct List {
    /// Only this link
    #[arg(long)]
    link: Option<String>,

    /// Only this kind, such as mail_mismatch
    #[arg(long)]
    kind: Option<String>,

    /// Also show resolved items
    #[arg(long)]
    all: bool,

    /// The most items to show
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Resolve an item: its records are tried again, or ignored for good
#[derive(Debug, Args)]
struct Resolve {
    /// The item's number, as listed
    item: i64,

    /// What happens to its records
    #[arg(value_enum)]
    action: Decision,

    /// Why; required for `ignore`
    #[arg(long, default_value = "", required_if_eq("action", "ignore"))]
    reason: String,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Decision {
    /// The cause is fixed: the next run tries them again
    Retry,
    /// Nothing is done for them, now or later
    Ignore,
}

impl AttentionCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            None => List { limit: 100, ..List::default() }.run(context).await,
            Some(Act::List(list)) => list.run(context).await,
            Some(Act::Resolve(resolve)) => resolve.run(context).await,
            Some(Act::UseAccount(correct)) => correct.run(context).await,
            Some(Act::UpdateMail(correct)) => correct.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let Self { link, kind, all, limit } = self;
        let link = find_link_option(&settings, link.as_deref())?;
        let zone = zone_of(&settings, link.as_ref());
        let journal = context.journal(&settings).await?;
        let open = AttentionFilter { link: link.clone(), ..AttentionFilter::default() };
        let open =
            journal.attention().list(&open, limit).await.into_diagnostic().wrap_err("while reading the open items")?;
        let known: BTreeSet<String> = open.into_iter().map(|item| item.kind).collect();
        let known: Vec<String> = known.into_iter().collect();
        let kind = kind.map(|kind| read_kind(&kind, &known)).transpose()?;
        let filter = AttentionFilter { link, kind, with_closed: all, ..AttentionFilter::default() };
        let items = journal
            .attention()
            .list(&filter, limit)
            .await
            .into_diagnostic()
            .wrap_err("while reading the open items")?;
        print(&items, &zone, &mut context.out);
        Ok(Exit::Fine)
    }
}

fn print(items: &[AttentionItem], zone: &TimeZone, out: &mut Output) {
    if items.is_empty() {
        out.sign(Sign::Done, "nothing needs attention");
    }
    for item in items {
        let kind = item.kind.replace('_', " ");
        let state = if item.closed.is_some() { " (resolved)" } else { "" };
        out.heading(format_args!("{}  {kind}{state}", item.id));
        out.line(format_args!("    {}", item.named()));
        let records = counted_as(item.records, "record waits", "records wait");
        out.line(format_args!("    {records} since {} on link {}", format_moment(item.opened, zone), item.link));
        if let Some((action, by, reason)) = &item.resolution {
            out.line(format_args!("    {action} by {by}: {reason}"));
        }
    }
    if items.iter().any(|item| item.closed.is_none()) {
        out.line("");
        out.sign(Sign::Note, "once the cause is fixed: rollbook attention resolve NUMBER retry");
        if items.iter().any(|item| matches!(item.kind.as_str(), "guid_changed" | "mail_mismatch")) {
            out.sign(Sign::Note, "if it is this account: rollbook attention use-account NUMBER ACCOUNT");
            out.sign(Sign::Note, "if the feed's address is right: rollbook attention update-mail NUMBER");
        }
        out.sign(Sign::Note, "if nothing should happen: rollbook attention resolve NUMBER ignore --reason WHY");
    }
    out.json(&json!({ "items": items.iter().map(as_json).collect::<Vec<_>>() }));
}

fn as_json(item: &AttentionItem) -> Value {
    let AttentionItem { id, link, kind, subject, person, title, evidence, opened, seen, closed, resolution, records } =
        item;
    json!({
        "id": id, "link": link, "kind": kind, "subject": subject, "person": person, "title": title, "evidence": evidence,
        "opened": opened, "seen": seen, "closed": closed, "records": records,
        "resolution": resolution.as_ref().map(|(action, by, reason)| json!({"action": action, "by": by, "reason": reason})),
    })
}

impl Resolve {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let by = context.decider(self.by.as_ref())?;
        let (resolution, action) = match self.action {
            Decision::Retry => (Resolution::Release, "try again"),
            Decision::Ignore => (Resolution::Ignore, "ignore"),
        };
        let resolved =
            journal.attention().resolve(self.item, resolution, action, &by, &self.reason, context.clock.now()).await;
        let resolved = resolved.into_diagnostic().wrap_err_with(|| format!("while resolving item {}", self.item))?;
        let what = match self.action {
            Decision::Retry => "tried again by the next run",
            Decision::Ignore => "ignored from now on",
        };
        let records = counted_as(resolved.records, "record is", "records are");
        context.out.sign(Sign::Done, format_args!("{records} {what}"));
        context.out.json(&json!({ "item": self.item, "action": action, "by": by, "records": resolved.records }));
        Ok(Exit::Fine)
    }
}
