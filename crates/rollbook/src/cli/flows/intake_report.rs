//! A run of intake as people and programs read it.

use crate::cli::Exit;
use crate::cli::output::{Output, Sign, Table};
use jiff::Timestamp;
use rollbook_core::guard::Level;
use rollbook_core::model::{Field, counted};
use rollbook_core::plan::IntakeChange;
use rollbook_core::run::{OutcomeCode, RunState, disposition};
use rollbook_sync::flows::deliver::MailDelivery;
use rollbook_sync::flows::intake::{IntakeReport, Purpose};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a report is shown.
pub(in crate::cli) struct Shown<'a> {
    /// The link.
    pub link: &'a str,
    /// Whether anything was changed.
    pub purpose: Purpose,
    /// The zone of the times.
    pub zone: &'a jiff::tz::TimeZone,
    /// Whether every change is listed.
    pub detailed: bool,
}

/// Prints a run for people and for programs, and says how it ended.
pub(in crate::cli) fn print_report(
    report: &IntakeReport,
    mails: Option<&MailDelivery>,
    shown: &Shown<'_>,
    out: &mut Output,
) -> Exit {
    let dry = shown.purpose == Purpose::DryRun;
    if dry {
        out.heading("DRY RUN MODE - No changes will be made");
    } else {
        out.heading(format_args!("Intake {}", shown.link));
    }
    print_reading(report, shown, out);
    print_plan(report, shown, out);
    print_findings(report, dry, out);
    print_counts(report, mails, dry, out);
    print_attention(report, dry, out);
    print_next(report, dry, out);
    out.json(&as_json(report, mails, shown));
    match report.state {
        RunState::Done if mails.is_some_and(MailDelivery::is_unfinished) => Exit::Partly,
        RunState::Done => Exit::Fine,
        RunState::GuardRefused => Exit::Refused,
        RunState::Partly | RunState::Stopped => Exit::Partly,
        RunState::Running | RunState::Failed | RunState::Abandoned => Exit::Failed,
    }
}

/// What every line of a dry run begins with.
fn mark(dry: bool) -> &'static str {
    if dry { "dry run: " } else { "" }
}

fn print_reading(report: &IntakeReport, shown: &Shown<'_>, out: &mut Output) {
    let at = |time: Timestamp| time.to_zoned(shown.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let interval = report.window.map_or(String::new(), |window| {
        let until = window.until.map_or("now".to_owned(), at);
        format!(", created from {} to {until}", at(window.since))
    });
    let dry = mark(shown.purpose == Purpose::DryRun);
    out.sign(Sign::Done, format_args!("{dry}feed: {}{interval}", counted(report.counts.records, "record")));
    for gap in &report.gaps {
        out.sign(Sign::Warning, format_args!("{dry}the feed is incomplete: {gap}"));
    }
    if !report.gaps.is_empty() {
        out.sign(Sign::Note, format_args!("{dry}an incomplete feed suspends nobody"));
    }
    if report.known > 0 {
        out.sign(Sign::Note, format_args!("{dry}{} of them were processed before", report.known));
    }
}

fn print_plan(report: &IntakeReport, shown: &Shown<'_>, out: &mut Output) {
    let (mut accounts, mut enrolments, mut suspensions) = (0_u64, 0_u64, 0_u64);
    for change in &report.plan.changes {
        match change {
            IntakeChange::CreateAccount(_) => accounts += 1,
            IntakeChange::Enrol(_) => enrolments += 1,
            IntakeChange::Suspend(_) => suspensions += 1,
        }
    }
    let left = report.plan.skips.len();
    let dry = mark(shown.purpose == Purpose::DryRun);
    out.sign(
        Sign::Done,
        format_args!(
            "{dry}plan: {}, {}, {}; {left} skipped",
            counted(accounts, "account"),
            counted(enrolments, "enrolment"),
            counted(suspensions, "suspension")
        ),
    );
    if shown.detailed {
        let prefix = if shown.purpose == Purpose::DryRun { "would " } else { "" };
        for change in &report.plan.changes {
            out.sign(Sign::Step, format_args!("{dry}{prefix}{change}"));
        }
        let records: BTreeMap<_, _> = report.records.iter().map(|record| (record.fingerprint, record)).collect();
        for skip in &report.plan.skips {
            let who = records
                .get(&skip.record)
                .map(|record| format!("{} in {}", record.get(Field::Guid), record.get(Field::Course)));
            out.sign(Sign::Note, format_args!("{dry}{}: {}", who.unwrap_or_default(), skip.verdict));
        }
    }
}

fn print_findings(report: &IntakeReport, dry: bool, out: &mut Output) {
    for finding in &report.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        out.sign(sign, format_args!("{}guard {} ({}): {}", mark(dry), finding.check, finding.subject, finding.message));
    }
    if report.state == RunState::GuardRefused {
        let (held, all) = (report.held.len(), report.plan.changes.len());
        let what = match (held == all, dry) {
            (true, true) => "dry run: a guard would refuse this plan".to_owned(),
            (true, false) => "a guard refused the plan: nothing was changed in Moodle".to_owned(),
            (false, true) => format!("dry run: {held} of {all} changes would wait for approval"),
            (false, false) => format!("{held} of {all} changes wait for approval; the others went on"),
        };
        out.sign(Sign::Failed, what);
    }
}

fn print_counts(report: &IntakeReport, mails: Option<&MailDelivery>, dry: bool, out: &mut Output) {
    if dry {
        out.sign(Sign::Note, "DRY RUN: no changes were made");
        return;
    }
    let counts = &report.counts;
    let calls: u64 = report.calls.iter().map(|call| call.calls).sum();
    if report.state != RunState::GuardRefused || report.held.len() < report.plan.changes.len() {
        out.sign(
            Sign::Done,
            format_args!("applied in {:.1} s with {} to Moodle", seconds(report.duration_ms), counted(calls, "call")),
        );
    }
    if let Some(mails) = mails {
        let sign = if mails.is_unfinished() { Sign::Warning } else { Sign::Done };
        out.sign(sign, format_args!("welcome mails: {mails}"));
    }
    let mut table =
        Table::new(["accounts", "enrolled", "suspended", "skipped", "waiting", "errors"]).numbers(&[0, 1, 2, 3, 4, 5]);
    table.row([counts.accounts, counts.enrolled, counts.suspended, counts.skipped, counts.waiting, counts.errors]);
    out.line("");
    out.table(&table);
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
fn seconds(duration_ms: u64) -> f64 {
    duration_ms as f64 / 1000.0
}

fn print_attention(report: &IntakeReport, dry: bool, out: &mut Output) {
    let mut kinds = BTreeMap::<OutcomeCode, usize>::new();
    for verdict in &report.verdicts {
        let code = verdict.code();
        if disposition(code) != rollbook_core::run::Disposition::Settled {
            *kinds.entry(code).or_default() += 1;
        }
    }
    if kinds.is_empty() {
        return;
    }
    out.heading(if dry { "Dry run: what would remain open" } else { "Still open" });
    let mut table = Table::new(["records", "outcome", "state"]).numbers(&[0]);
    for (code, count) in kinds {
        table.row([count.to_string(), code.as_str().replace('_', " "), disposition(code).as_str().to_owned()]);
    }
    out.table(&table);
}

fn print_next(report: &IntakeReport, dry: bool, out: &mut Output) {
    if let (Some(run), false) = (&report.run, dry) {
        out.line("");
        out.sign(Sign::Note, format_args!("details: rollbook runs {run}"));
        out.sign(Sign::Note, "or: rollbook attention, rollbook explain --person WHO --course ID");
    }
}

fn as_json(report: &IntakeReport, mails: Option<&MailDelivery>, shown: &Shown<'_>) -> Value {
    json!({
        "dry_run": shown.purpose == Purpose::DryRun,
        "link": shown.link,
        "run": report.run,
        "state": report.state,
        "since": report.window.map(|window| window.since),
        "until": report.window.and_then(|window| window.until),
        "gaps": report.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "counts": report.counts,
        "known": report.known,
        "plan": report.plan,
        "digest": report.plan.digest(),
        "findings": report.findings,
        "mails": mails,
        "calls": report.calls.iter().map(|call| json!({"function": call.function.name(), "calls": call.calls, "items": call.items, "total_ms": call.total_ms})).collect::<Vec<_>>(),
        "duration_ms": report.duration_ms,
    })
}
