//! `rollbook mails`: the mails to learners, what became of each, and another try for those that did not arrive.

use super::arguments::{find_link_option, usage};
use super::output::{Sign, Table};
use super::reading::{format_time, print_zone, zone_of};
use super::{Context, Exit};
use clap::{Args, Subcommand};
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::counted;
use rollbook_journal::{OutboxFilter, OutboxKind, OutboxRow};
use rollbook_sync::flows::deliver::deliver_mails;
use rollbook_sync::flows::setup;
use serde_json::json;

/// Welcome mails, and what became of them
#[derive(Debug, Args)]
pub(super) struct MailsCommand {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    List(List),
    Resend(Resend),
}

/// List mails, newest first (the default)
#[derive(Debug, Default, Args)]
struct List {
    /// Only this link
    #[arg(long)]
    link: Option<String>,

    /// Only this state
    #[arg(long, value_parser = ["due", "sending", "unknown", "sent", "refused", "cancelled"])]
    state: Option<String>,

    /// The most rows to show
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Send mails again that were refused, cancelled, or whose delivery is not known
#[derive(Debug, Args)]
struct Resend {
    /// Mail numbers, as shown by `mails list`
    #[arg(required = true)]
    mails: Vec<i64>,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl MailsCommand {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            None => List { limit: 50, ..List::default() }.run(context).await,
            Some(Act::List(list)) => list.run(context).await,
            Some(Act::Resend(resend)) => resend.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let link = find_link_option(&settings, self.link.as_deref())?;
        let zone = zone_of(&settings, link.as_ref());
        let journal = context.journal(&settings).await?;
        let filter = OutboxFilter { link, kind: Some(OutboxKind::Mail), state: self.state, before: None };
        let rows = journal.outbox().list(&filter, self.limit).await;
        let rows = rows.into_diagnostic().wrap_err("while reading the mails")?;
        if rows.is_empty() {
            context.out.sign(Sign::Note, "no mails");
        } else {
            let head = ["mail", "queued", "state", "to", "subject", "server's answer"];
            let mut table = Table::new(head).numbers(&[0]).cut(&[(3, 16), (4, 8), (5, 10)]);
            for row in &rows {
                let word = |name: &str| row.payload[name].as_str().unwrap_or_default().to_owned();
                let (id, queued) = (row.id.to_string(), format_time(row.created, &zone));
                table.row([id, queued, row.state.clone(), word("to"), word("subject"), row.last_answer.clone()]);
            }
            context.out.table(&table);
            print_zone(&zone, &mut context.out);
        }
        if rows.iter().any(|row| matches!(row.state.as_str(), "refused" | "unknown")) {
            context.out.sign(Sign::Note, "once the cause is fixed: rollbook mails resend NUMBER");
        }
        context.out.json(&json!({ "mails": rows.iter().map(as_json).collect::<Vec<_>>() }));
        Ok(Exit::Fine)
    }
}

fn as_json(row: &OutboxRow) -> serde_json::Value {
    json!({
        "id": row.id, "link": row.link, "state": row.state, "to": row.payload["to"], "subject": row.payload["subject"],
        "queued": row.created, "next": row.next, "settled": row.settled, "attempts": row.attempts,
        "answer": row.last_answer, "run": row.run,
    })
}

impl Resend {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let by = context.decider(self.by.as_ref())?;
        let mail = settings.mail.as_ref();
        let mail = mail.ok_or_else(|| usage("no mail server is configured", "add [mail] to the configuration"))?;
        let journal = context.journal(&settings).await?;
        let resent = journal.outbox().resend(&self.mails, &by, context.clock.now()).await;
        let resent = resent.into_diagnostic().wrap_err("while queueing the mails")?;
        if resent == 0 {
            let help = "only refused, cancelled and unknown mails can be sent again: rollbook mails list";
            return Err(usage("none of these mails can be sent again", help));
        }
        let client = setup::make_smtp(mail).into_diagnostic()?;
        let sent = deliver_mails(&journal, &client, &context.clock, &context.stop).await;
        let sent = sent.into_diagnostic().wrap_err("while sending the mails")?;
        let sign = if sent.is_unfinished() { Sign::Warning } else { Sign::Done };
        context.out.sign(sign, format_args!("{} queued again: {sent}", counted(resent, "mail")));
        context.out.json(&json!({ "queued": resent, "delivery": sent }));
        Ok(if sent.is_unfinished() { Exit::Partly } else { Exit::Fine })
    }
}
