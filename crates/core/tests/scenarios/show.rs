//! A run as lines of text, with the labels of the records in place of their fingerprints.

use super::scene::Scene;
use super::world::{Fate, Run};
use jiff::Timestamp;
use rollbook_core::model::Fingerprint;
use rollbook_core::plan::IntakeChange;
use rollbook_core::run::{Step, Verdict};
use std::collections::BTreeMap;

/// Makes the run that the scene is ready for, and says how it went.
pub fn run(scene: &mut Scene) -> Vec<String> {
    let (feed, fates, approved_by) = (scene.feed.clone(), scene.fates.clone(), scene.approved_by.clone());
    let labels: BTreeMap<_, _> =
        scene.labels.iter().map(|(label, record)| (record.fingerprint, label.clone())).collect();
    let fate = |change: &IntakeChange| -> Option<Fate> {
        match change {
            IntakeChange::CreateAccount(account) => fates.get(&format!("account {}", account.guid)).cloned(),
            IntakeChange::Enrol(_) | IntakeChange::Suspend(_) => {
                change.record().and_then(|print| fates.get(labels.get(&print)?).cloned())
            }
        }
    };
    let run = scene.world.run(&feed, approved_by.as_deref(), fate);
    lines(scene, &run)
}

fn lines(scene: &Scene, run: &Run) -> Vec<String> {
    let mut lines: Vec<String> = run.plan.changes.iter().map(|change| change_line(scene, change)).collect();
    if lines.is_empty() {
        lines.push("change   none".into());
    }
    let mut known: Vec<_> = run.known.iter().map(|print| scene.label(*print)).collect();
    known.sort();
    lines.extend(known.iter().map(|label| format!("known    {label} is settled")));
    let skips = run.plan.skips.iter().map(|skip| (skip.record, &skip.verdict));
    lines.extend(verdict_lines(scene, run, "skip    ", skips));
    lines.extend(run.findings.iter().map(|finding| format!("finding  {finding}")));
    lines.push(match &run.cleared {
        None => "plan     refused".into(),
        Some(None) => "plan     cleared".into(),
        Some(Some(by)) => format!("plan     cleared by {by}"),
    });
    let verdicts = run.verdicts.iter().map(|(print, verdict)| (*print, verdict));
    lines.extend(verdict_lines(scene, run, "verdict ", verdicts));
    lines
}

fn change_line(scene: &Scene, change: &IntakeChange) -> String {
    match change.record() {
        Some(print) => format!("change   {} {change}", scene.label(print)),
        None => format!("change   {change}"),
    }
}

/// One line a verdict, by label.
fn verdict_lines<'a>(
    scene: &Scene,
    run: &Run,
    kind: &str,
    verdicts: impl Iterator<Item = (Fingerprint, &'a Verdict)>,
) -> Vec<String> {
    let mut lines: Vec<_> = verdicts
        .map(|(print, verdict)| {
            let step = run.steps.get(&print).map_or("?".into(), |step| step_words(*step, scene.world.now));
            let label = scene.label(print);
            format!("{kind} {label} {} ({step}): {}", verdict.code(), with_labels(scene, &verdict.to_string()))
        })
        .collect();
    lines.sort();
    lines
}

fn step_words(step: Step, now: Timestamp) -> String {
    match step {
        Step::Rest => "settled".into(),
        Step::TryAt(at) if at <= now => "tried again next run".into(),
        Step::TryAt(at) => format!("tried again in {} min", at.duration_since(now).as_mins()),
        Step::AskAt(_) => "asks a human".into(),
    }
}

fn with_labels(scene: &Scene, text: &str) -> String {
    scene
        .labels
        .iter()
        .fold(text.to_owned(), |text, (label, record)| text.replace(&record.fingerprint.to_hex()[..12], label))
}
