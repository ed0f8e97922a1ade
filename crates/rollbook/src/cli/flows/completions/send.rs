//! `rollbook completions send`: one completion that a person names.

use super::prepare;
use super::print::print_delivered;
use crate::cli::flows::refuse_paused;
use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::civil::Date;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{ElmCourseId, EnrolmentId};
use rollbook_sync::flows::completions::{Delivered, ManualReport, prepare_manual, send_manual};
use serde_json::json;

/// Report one completion manually
#[derive(Debug, Args)]
pub(super) struct Send {
    /// The link's name in the configuration
    link: String,

    /// The person: a GUID, a user name, a mail address, or the Moodle account's id
    #[arg(long, value_name = "WHO")]
    user: String,

    /// The course: its id in the ELM, which is its ID number in Moodle
    #[arg(long, value_name = "ID")]
    course: String,

    /// The day of completion [default: from Moodle]
    #[arg(long, value_name = "DAY")]
    date: Option<Date>,

    /// The enrolment id in the ELM [default: from the enrolment record]
    #[arg(long, value_name = "ID")]
    enrolment_id: Option<String>,

    /// Print the exact request body; record and send nothing
    #[arg(long)]
    dry_run: bool,
}

impl Send {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let (_, flow, journal) = prepare(context, &self.link).await?;
        let named = ManualReport {
            user: self.user,
            course: ElmCourseId::new(self.course.trim()),
            date: self.date,
            enrolment: self.enrolment_id.map(|id| EnrolmentId::new(id.trim())),
            author: context.author(),
        };
        let prepared = prepare_manual(&flow, &journal, &context.clock, &named).await;
        let prepared = prepared.into_diagnostic().wrap_err("while finding the completion")?;
        if let Some(skip) = prepared.plan.skips.first() {
            let help = format!("{}; see also: rollbook completions list {}", skip.why.remedy(), self.link);
            return Err(miette!(help = help, "{}: {}", skip.seen.key, skip.why));
        }
        let report = prepared.plan.reports.first();
        let report = report.ok_or_else(|| miette!("there is nothing to report"))?;
        context.out.line(&report.body);
        if self.dry_run {
            context.out.sign(Sign::Note, "DRY RUN: nothing was recorded or sent");
            context.out.json(&json!({"dry_run": true, "report": report}));
            return Ok(Exit::Fine);
        }
        refuse_paused(&journal, &flow.link, &flow.policy.zone).await?;
        let sent = send_manual(&flow, &journal, &context.clock, &prepared, &context.author(), &context.stop).await;
        let delivered = sent.into_diagnostic().wrap_err("while sending the completion")?;
        print_delivered(&delivered, &flow.policy.zone, &mut context.out);
        context.out.json(&json!({"dry_run": false, "report": report, "delivered": delivered}));
        Ok(exit(&delivered))
    }
}

fn exit(delivered: &Delivered) -> Exit {
    if delivered.accepted > 0 { Exit::Fine } else { Exit::Partly }
}
