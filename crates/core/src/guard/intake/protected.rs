//! Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.

use super::{Finding, IntakeView};
use crate::model::MoodleUserId;
use crate::plan::{EnrolChange, IntakeChange, Who};
use crate::verdict::OutcomeCode;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = view.plan.changes.iter().filter_map(|change| touched(view, change)).collect();
    let left_alone = view.plan.skips.iter().filter(|skip| skip.verdict.code() == OutcomeCode::Protected).count();
    if left_alone > 0 {
        let message = format!("records of protected people that are left alone: {left_alone}");
        findings.push(Finding::warn("protected", "run", message));
    }
    findings
}

/// The finding for a change that would touch somebody protected.
fn touched(view: &IntakeView<'_>, change: &IntakeChange) -> Option<Finding> {
    let protected = &view.policy.protected;
    let entry_for = |id: MoodleUserId| {
        let known = view.feed.directory.account(id).and_then(|account| protected.entry_for_account(account));
        known.or_else(|| protected.has_account(id).then(|| format!("account {id}")))
    };
    let entry = match change {
        IntakeChange::CreateAccount(new) => {
            protected.entry_among(&[new.guid.as_str(), new.mail.as_str(), &new.username])
        }
        IntakeChange::Enrol(EnrolChange { who: Who::Account(id), .. }) => entry_for(*id),
        // Its account is a change of the same plan.
        IntakeChange::Enrol(EnrolChange { who: Who::New(_), .. }) => None,
        IntakeChange::Suspend(suspend) => entry_for(suspend.user),
    }?;
    let message = format!("somebody who is protected by the entry \"{entry}\" would be touched");
    Some(Finding::block("protected", change.to_string(), message))
}
