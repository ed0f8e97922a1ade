//! How a run of completions is shown, to people and to programs.

use crate::cli::Exit;
use crate::cli::output::{Output, Sign, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::guard::Level;
use rollbook_core::run::RunState;
use rollbook_core::verdict::Disposition;
use rollbook_sync::flows::completions::{CompletionsReport, Delivered, Purpose};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a report is shown.
pub(super) struct Shown<'a> {
    pub link: &'a str,
    pub purpose: Purpose,
    pub detailed: bool,
    pub zone: &'a TimeZone,
}

/// Prints a run, and says how it ended.
pub(super) fn print_report(report: &CompletionsReport, shown: &Shown<'_>, out: &mut Output) -> Exit {
    let dry = shown.purpose == Purpose::DryRun;
    if dry {
        out.heading("DRY RUN MODE - Nothing will be recorded or sent");
    } else {
        out.heading(format_args!("Completions {}", shown.link));
    }
    print_seen(report, dry, out);
    print_plan(report, shown, out);
    for finding in &report.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        out.sign(sign, format_args!("guard {} ({}): {}", finding.check, finding.subject, finding.message));
    }
    if report.state == RunState::GuardRefused {
        let what = if dry { "a guard would refuse this plan" } else { "a guard refused the plan: nothing was queued" };
        out.sign(Sign::Failed, what);
    }
    if dry {
        out.sign(Sign::Note, "DRY RUN: nothing was recorded or sent");
    } else {
        print_delivered(&report.delivered, shown.zone, out);
    }
    print_asked(report, out);
    if let (Some(run), false) = (&report.run, dry) {
        out.line("");
        out.sign(Sign::Note, format_args!("details: rollbook runs {run}"));
        out.sign(Sign::Note, format_args!("or: rollbook completions list {}, rollbook attention", shown.link));
    }
    out.json(&as_json(report, shown));
    match report.state {
        RunState::Done => Exit::Fine,
        RunState::GuardRefused => Exit::Refused,
        RunState::Partly | RunState::Stopped => Exit::Partly,
        RunState::Running | RunState::Failed | RunState::Abandoned => Exit::Failed,
    }
}

fn print_seen(report: &CompletionsReport, dry: bool, out: &mut Output) {
    let calls: u64 = report.calls.iter().map(|call| call.calls).sum();
    out.sign(Sign::Done, format_args!("{} seen, {} of them known", some(report.seen, "completion"), report.known));
    if report.looks > 0 {
        let looks = some(report.looks, "place");
        out.sign(Sign::Done, format_args!("{looks} in courses looked at, with {} to Moodle", some(calls, "call")));
    }
    let would = if dry { "would queue " } else { "" };
    let new = if dry { report.plan.reports.len() as u64 } else { report.queued };
    out.sign(Sign::Done, format_args!("plan: {would}{new} to report, {} skipped", report.plan.skips.len()));
}

fn print_plan(report: &CompletionsReport, shown: &Shown<'_>, out: &mut Output) {
    let dry = shown.purpose == Purpose::DryRun;
    if dry || shown.detailed {
        let would = if dry { "would " } else { "" };
        for planned in &report.plan.reports {
            out.sign(Sign::Step, format_args!("{would}{planned}"));
            out.line(format_args!("  {}", planned.body));
        }
    }
    if shown.detailed {
        for skip in &report.plan.skips {
            out.sign(Sign::Note, format_args!("{}: {}", skip.seen.key, skip.why));
        }
    }
}

/// Prints what became of the reports.
pub(super) fn print_delivered(delivered: &Delivered, zone: &TimeZone, out: &mut Output) {
    let Delivered { accepted, found, refused, failed, waiting, rests_until, held } = delivered;
    if *held {
        let what = format!("sending is disabled for this link: {} held", some(*waiting, "report"));
        return out.sign(Sign::Warning, what);
    }
    let found = if *found > 0 { format!(" ({found} confirmed by look-up after a lost answer)") } else { String::new() };
    out.sign(Sign::Done, format_args!("the ELM accepted {accepted}{found}"));
    if *refused > 0 {
        out.sign(Sign::Failed, format_args!("the ELM refused {refused}; see rollbook attention"));
    }
    if *failed > 0 {
        out.sign(Sign::Warning, format_args!("not accepted yet: {failed}; will be retried"));
    }
    if let Some(until) = rests_until {
        let until = at(*until, zone);
        out.sign(Sign::Warning, format_args!("the ELM is not responding properly: next attempt after {until}"));
    }
    if *waiting > 0 {
        out.sign(Sign::Note, format_args!("waiting for the next attempt: {}", some(*waiting, "report")));
    }
}

fn print_asked(report: &CompletionsReport, out: &mut Output) {
    let mut kinds = BTreeMap::<&str, (usize, &str)>::new();
    for skip in report.plan.skips.iter().filter(|skip| skip.why.disposition() == Disposition::Attention) {
        kinds.entry(skip.why.code()).or_insert((0, skip.why.remedy())).0 += 1;
    }
    if kinds.is_empty() {
        return;
    }
    out.heading("Needs attention");
    let mut table = Table::new(["completions", "kind", "what to do"]).numbers(&[0]);
    for (code, (count, remedy)) in kinds {
        table.row([count.to_string(), code.replace('_', " "), remedy.to_owned()]);
    }
    out.table(&table);
}

/// So many of something.
pub(super) fn some(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A moment for people, in the link's zone.
pub(super) fn at(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

fn as_json(report: &CompletionsReport, shown: &Shown<'_>) -> Value {
    json!({
        "dry_run": shown.purpose == Purpose::DryRun,
        "link": shown.link,
        "run": report.run,
        "state": report.state,
        "seen": report.seen,
        "known": report.known,
        "queued": report.queued,
        "gaps": report.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "plan": report.plan,
        "digest": report.plan.digest(),
        "findings": report.findings,
        "delivered": report.delivered,
        "looks": report.looks,
        "calls": report.calls.iter().map(|call| json!({"function": call.function.name(), "calls": call.calls, "items": call.items, "total_ms": call.total_ms})).collect::<Vec<_>>(),
        "duration_ms": report.duration_ms,
    })
}
