//! The checks of intake; every one is on by default.

use crate::guard::Finding;
use crate::model::{MoodleCourseId, MoodleUserId};
use crate::plan::{Courses, Doubts, EnrolChange, IntakeChange, IntakeInputs, IntakePlan, Who};
use crate::policy::{FutureDates, IntakePolicy};
use crate::verdict::OutcomeCode;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What the checks of intake look at.
#[derive(Clone, Copy, Debug)]
pub struct IntakeView<'a> {
    pub plan: &'a IntakePlan,
    /// The gaps of the feed.
    pub feed: &'a IntakeInputs<'a>,
    /// The courses, with how many are active where that is known.
    pub courses: &'a Courses,
    pub policy: &'a IntakePolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type IntakeCheck = fn(&IntakeView<'_>) -> Vec<Finding>;

/// Every check of intake; each is on by default.
const INTAKE_CHECKS: [IntakeCheck; 8] = [
    check_completeness,
    check_dates_ahead,
    check_doubtful_identity,
    check_new_accounts,
    check_protected,
    check_stale_plan,
    check_suspensions,
    check_welcome_mails,
];

/// Runs every check of intake over a plan.
pub fn check_intake(view: &IntakeView<'_>) -> Vec<Finding> {
    INTAKE_CHECKS.iter().flat_map(|check| check(view)).collect()
}

/// Says when the feed did not arrive whole. Nothing is taken away on its word then; the planner sees to that.
fn check_completeness(view: &IntakeView<'_>) -> Vec<Finding> {
    let gaps = &view.feed.records.gaps;
    let removes = view.plan.changes.iter().any(|change| matches!(change, IntakeChange::Suspend(_)));
    let mut findings: Vec<_> = gaps.iter().map(|gap| Finding::warn("completeness", "feed", gap.to_string())).collect();
    if removes && !gaps.is_empty() {
        findings.push(Finding::block(
            "completeness",
            "feed",
            "the plan suspends people on the word of an incomplete feed",
        ));
    }
    findings
}

/// Clocks and time zones may be so far apart without a word.
const TOLERATED: SignedDuration = SignedDuration::from_hours(24);

/// Records dated in the future: a wrong year, or a wrong time zone. Once applied, such a record makes all that really
/// follow it stale until its date has come, so somebody should know.
fn check_dates_ahead(view: &IntakeView<'_>) -> Vec<Finding> {
    let Ok(latest) = view.now.checked_add(TOLERATED) else {
        return Vec::new();
    };
    // What holds from a later day waits for it, unless the policy says otherwise.
    let at_once = view.policy.enrolments.future == FutureDates::Now;
    let ages = view.feed.records.value.iter().filter_map(|record| record.age());
    let ahead = ages.filter(|age| age.created > latest || (at_once && age.changed > latest)).count();
    if ahead == 0 {
        return Vec::new();
    }
    let message = format!("records dated more than a day ahead of the clock: {ahead}; later ones may count as stale");
    vec![Finding::warn("dates_ahead", "feed", message)]
}

/// People who cannot be matched beyond doubt: each is left alone; very many at once mean that the GUIDs themselves changed.
/// Those who are known since a run that was cleared do not count again, or a long list of them would stop every run.
fn check_doubtful_identity(view: &IntakeView<'_>) -> Vec<Finding> {
    let Doubts { people, new, known } = view.plan.doubts;
    let limits = &view.policy.limits;
    let mut message = format!("{new} of {people} people cannot be matched beyond doubt");
    if known > 0 {
        message += &format!(", {known} more wait for a human since earlier runs");
    }
    if new >= limits.doubtful_exempt_under && share(new, people) > limits.doubtful_share {
        message += "; did the GUIDs or addresses change as a whole?";
        return vec![Finding::block("doubtful_identity", "run", message)];
    }
    if new + known > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Too many new accounts at once: a feed of another organisation, or GUIDs that changed.
fn check_new_accounts(view: &IntakeView<'_>) -> Vec<Finding> {
    let count =
        view.plan.changes.iter().filter(|change| matches!(change, IntakeChange::CreateAccount(_))).count() as u64;
    Finding::of_count("new_accounts", "new accounts", count, view.policy.limits.new_accounts).into_iter().collect()
}

/// Too many welcome mails at once: history read as news.
fn check_welcome_mails(view: &IntakeView<'_>) -> Vec<Finding> {
    let welcomes = |change: &&IntakeChange| matches!(change, IntakeChange::Enrol(enrol) if enrol.welcome);
    let count = view.plan.changes.iter().filter(welcomes).count() as u64;
    Finding::of_count("welcome_mails", "welcome mails", count, view.policy.limits.welcome_mails).into_iter().collect()
}

/// Too many suspensions: per run, and as a share of those active in a course.
fn check_suspensions(view: &IntakeView<'_>) -> Vec<Finding> {
    let mut per_course = BTreeMap::<MoodleCourseId, u64>::new();
    for change in &view.plan.changes {
        if let IntakeChange::Suspend(suspend) = change {
            *per_course.entry(suspend.course).or_default() += 1;
        }
    }
    let limits = &view.policy.limits;
    let all = Finding::of_count("suspensions", "suspensions", per_course.values().sum(), limits.suspensions);
    let courses = view.courses.values().flatten();
    let by_course = courses.filter_map(|course| {
        let (active, count) = (course.active?, *per_course.get(&course.id)?);
        let over = count >= limits.exempt_under && share(count, active) > limits.suspensions_share;
        let percent = limits.suspensions_share * 100.0;
        let message = format!("{count} of {active} active people would be suspended, the limit is {percent:.0} %");
        over.then(|| Finding::block("suspensions_share", format!("course {}", course.id), message))
    });
    all.into_iter().chain(by_course).collect()
}

/// Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.
fn check_protected(view: &IntakeView<'_>) -> Vec<Finding> {
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

/// A plan that was made too long ago: the world has moved since.
fn check_stale_plan(view: &IntakeView<'_>) -> Vec<Finding> {
    let age = view.now.duration_since(view.plan.made_at);
    let limit = view.policy.limits.plan_age;
    if age <= limit {
        return Vec::new();
    }
    let message = format!("the plan is {} s old, the limit is {} s", age.as_secs(), limit.as_secs());
    vec![Finding::block("stale_plan", "plan", message)]
}
