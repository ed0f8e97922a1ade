//! The checks of intake and of corrections; every one is on by default.

use super::{Finding, Guarded, Level, places, share, stale_plan};
use crate::model::{FeedRecord, LinkName, MoodleCourseId, MoodleUserId};
use crate::plan::{
    CorrectionPlan, Courses, Doubts, EnrolChange, IntakeChange, IntakeInputs, IntakePlan, SuspendChange, Who,
};
use crate::policy::{FutureDates, IntakePolicy, Protected};
use crate::verdict::OutcomeCode;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Clocks and time zones may be so far apart without a word.
const TOLERATED: SignedDuration = SignedDuration::from_hours(24);
/// Its findings are accepted together with the records that they are about.
const DOUBTS: &str = "doubtful_identity";

/// What the checks of intake look at.
#[derive(Clone, Copy, Debug)]
pub struct IntakeView<'a> {
    /// The plan.
    pub plan: &'a IntakePlan,
    /// The gaps of the feed.
    pub feed: &'a IntakeInputs<'a>,
    /// The courses, with how many are active where that is known.
    pub courses: &'a Courses,
    /// The rules.
    pub policy: &'a IntakePolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

/// Runs every check of intake over a plan.
pub fn check_intake(view: &IntakeView<'_>) -> Vec<Finding> {
    let checks =
        [completeness, dates_ahead, doubtful_identity, new_accounts, protected, stale, suspensions, welcome_mails];
    checks.iter().flat_map(|check| check(view)).collect()
}

impl Guarded for IntakePlan {
    fn link(&self) -> &LinkName {
        &self.link
    }

    fn keys(&self) -> Vec<String> {
        let key = |change: &IntakeChange| match change {
            IntakeChange::CreateAccount(account) => format!("account of {}", account.guid.folded()),
            IntakeChange::Enrol(EnrolChange { record, course, .. }) => format!("enrol in {course} by {record}"),
            IntakeChange::Suspend(SuspendChange { record, user, course, .. }) => {
                format!("suspend {user} in {course} by {record}")
            }
        };
        self.changes.iter().map(key).collect()
    }

    fn only(&self, places: &BTreeSet<usize>) -> Self {
        let changes = places.iter().map(|place| self.changes[*place].clone()).collect();
        let Self { link, made_at, changes: _, skips, people, doubts } = self;
        let (link, skips) = (link.clone(), skips.clone());
        Self { link, made_at: *made_at, changes, skips, people: *people, doubts: *doubts }
    }

    /// No enrolment without the account that it needs, and no account that nothing needs.
    fn hold_dependents(&self, held: &mut BTreeSet<usize>) {
        let mut theirs = BTreeMap::<String, Vec<usize>>::new();
        for (place, change) in self.changes.iter().enumerate() {
            if let IntakeChange::Enrol(EnrolChange { who: Who::New(guid), .. }) = change {
                theirs.entry(guid.folded()).or_default().push(place);
            }
        }
        for (place, change) in self.changes.iter().enumerate() {
            let IntakeChange::CreateAccount(account) = change else { continue };
            let Some(enrolments) = theirs.get(&account.guid.folded()) else { continue };
            if held.contains(&place) {
                held.extend(enrolments);
            } else if enrolments.iter().all(|enrolment| held.contains(enrolment)) {
                held.insert(place);
            }
        }
    }

    /// With the people in doubt, where their number is what blocks: an approval accepts that they are.
    fn waiting(&self, held: &BTreeSet<usize>, findings: &[Finding]) -> Self {
        let blocked = findings.iter().any(|finding| finding.level == Level::Block && finding.check == DOUBTS);
        let mut waiting = self.only(held);
        waiting.skips.retain(|skip| blocked && skip.verdict.code().doubts_identity());
        waiting
    }

    fn approval_keys(&self) -> Vec<String> {
        let doubts = self.skips.iter().filter(|skip| skip.verdict.code().doubts_identity());
        self.keys().into_iter().chain(doubts.map(|skip| format!("doubt about {}", skip.record))).collect()
    }
}

impl Guarded for CorrectionPlan {
    fn link(&self) -> &LinkName {
        &self.link
    }

    fn keys(&self) -> Vec<String> {
        self.changes.iter().map(ToString::to_string).collect()
    }

    fn only(&self, places: &BTreeSet<usize>) -> Self {
        Self { changes: places.iter().map(|place| self.changes[*place].clone()).collect(), ..self.clone() }
    }
}

/// Nobody on the protected list is corrected, whoever asks; nor the account that Rollbook itself signs in with.
pub fn check_correction(
    plan: &CorrectionPlan,
    record: &FeedRecord,
    protected: &Protected,
    service_account: MoodleUserId,
) -> Vec<Finding> {
    let CorrectionPlan { account, changes, .. } = plan;
    let subject = || changes.first().map_or_else(String::new, ToString::to_string);
    let own = (account.id == service_account).then(|| "Rollbook's own account would be touched".to_owned());
    let listed = || protected.entry_for(record, Some(account)).map(|entry| touches(&entry));
    let message = own.or_else(listed).filter(|_| !changes.is_empty());
    message.map(|message| Finding::block("protected", subject(), message)).into_iter().collect()
}

fn touches(entry: &str) -> String {
    format!("somebody who is protected by the entry \"{entry}\" would be touched")
}

/// Says when the feed did not arrive whole. Nothing is taken away on its word then; the planner sees to that.
fn completeness(view: &IntakeView<'_>) -> Vec<Finding> {
    let gaps = &view.feed.records.gaps;
    let mut findings: Vec<_> = gaps.iter().map(|gap| Finding::warn("completeness", "feed", gap.to_string())).collect();
    let removals = places(&view.plan.changes, |change| matches!(change, IntakeChange::Suspend(_)));
    if !removals.is_empty() && !gaps.is_empty() {
        let message = "the plan suspends people on the word of an incomplete feed";
        findings.push(Finding::block("completeness", "feed", message).holding(removals));
    }
    findings
}

/// Records dated in the future: a wrong year, or a wrong time zone. Once applied, such a record makes all that really
/// follow it stale until its date has come, so somebody should know.
fn dates_ahead(view: &IntakeView<'_>) -> Vec<Finding> {
    let Ok(latest) = view.now.checked_add(TOLERATED) else {
        return Vec::new();
    };
    // What holds from a later day waits for it, unless the policy says otherwise.
    let at_once = view.policy.enrolments.future == FutureDates::Now;
    let ages = view.feed.records.value.iter().filter_map(FeedRecord::age);
    let ahead = ages.filter(|age| age.created > latest || (at_once && age.changed > latest)).count();
    if ahead == 0 {
        return Vec::new();
    }
    let message = format!("records dated more than a day ahead of the clock: {ahead}; later ones may count as stale");
    vec![Finding::warn("dates_ahead", "feed", message)]
}

/// People who cannot be matched beyond doubt: each is left alone. Very many at once mean that the GUIDs themselves changed,
/// and then nobody is a newcomer for sure: accounts wait. Those who are known since an earlier run do not count again, or
/// a long list of them would hold back every run.
fn doubtful_identity(view: &IntakeView<'_>) -> Vec<Finding> {
    let Doubts { people, new, known } = view.plan.doubts;
    let limits = &view.policy.limits;
    let mut message = format!("{new} of {people} people cannot be matched beyond doubt");
    if known > 0 {
        message += &format!(", {known} more wait for a human since earlier runs");
    }
    let lost = view.plan.skips.iter().filter(|skip| skip.verdict.code() == OutcomeCode::GuidLost).count();
    if lost > 1 {
        message +=
            &format!("; {lost} records are about accounts that have lost their GUID: GUIDs are changing in Moodle");
    }
    if new >= limits.doubtful_exempt_under && share(new, people) > limits.doubtful_share {
        message += "; did the GUIDs or addresses change as a whole?";
        return vec![Finding::block("doubtful_identity", "run", message).holding(accounts(view))];
    }
    if new + known > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

fn accounts(view: &IntakeView<'_>) -> Vec<usize> {
    places(&view.plan.changes, |change| matches!(change, IntakeChange::CreateAccount(_)))
}

/// Too many new accounts at once: a feed of another organisation, or GUIDs that changed.
fn new_accounts(view: &IntakeView<'_>) -> Vec<Finding> {
    let limit = view.policy.limits.new_accounts;
    Finding::of_count("new_accounts", "new accounts", &accounts(view), limit).into_iter().collect()
}

/// Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.
fn protected(view: &IntakeView<'_>) -> Vec<Finding> {
    let touched = view.plan.changes.iter().enumerate().filter_map(|(place, change)| {
        let message = touches(&protected_entry(view, change)?);
        Some(Finding::block("protected", change.to_string(), message).holding([place]))
    });
    let mut findings: Vec<_> = touched.collect();
    let left_alone = view.plan.skips.iter().filter(|skip| skip.verdict.code() == OutcomeCode::Protected).count();
    if left_alone > 0 {
        let message = format!("records of protected people that are left alone: {left_alone}");
        findings.push(Finding::warn("protected", "run", message));
    }
    findings
}

/// The entry that protects the person of a change.
fn protected_entry(view: &IntakeView<'_>, change: &IntakeChange) -> Option<String> {
    let protected = &view.policy.protected;
    let entry_for = |id: MoodleUserId| {
        let known = view.feed.directory.account(id).and_then(|account| protected.entry_for_account(account));
        known.or_else(|| protected.has_account(id).then(|| format!("account {id}")))
    };
    match change {
        IntakeChange::CreateAccount(new) => {
            protected.entry_among(&[new.guid.as_str(), new.mail.as_str(), &new.username])
        }
        IntakeChange::Enrol(EnrolChange { who: Who::Account(id), .. }) => entry_for(*id),
        // Its account is a change of the same plan.
        IntakeChange::Enrol(EnrolChange { who: Who::New(_), .. }) => None,
        IntakeChange::Suspend(suspend) => entry_for(suspend.user),
    }
}

fn stale(view: &IntakeView<'_>) -> Vec<Finding> {
    stale_plan(view.plan.made_at, view.now, view.policy.limits.plan_age).into_iter().collect()
}

/// Too many suspensions: per run, and as a share of those active in a course.
fn suspensions(view: &IntakeView<'_>) -> Vec<Finding> {
    let mut per_course = BTreeMap::<MoodleCourseId, Vec<usize>>::new();
    for (place, change) in view.plan.changes.iter().enumerate() {
        if let IntakeChange::Suspend(suspend) = change {
            per_course.entry(suspend.course).or_default().push(place);
        }
    }
    let limits = &view.policy.limits;
    let all: Vec<usize> = per_course.values().flatten().copied().collect();
    let all = Finding::of_count("suspensions", "suspensions", &all, limits.suspensions);
    let by_course = view.courses.values().flatten().filter_map(|course| {
        let (active, theirs) = (course.active?, per_course.get(&course.id)?);
        let count = theirs.len() as u64;
        let over = count >= limits.exempt_under && share(count, active) > limits.suspensions_share;
        let percent = limits.suspensions_share * 100.0;
        let message = format!("{count} of {active} active people would be suspended, the limit is {percent:.0} %");
        let finding = || Finding::block("suspensions_share", format!("course {}", course.id), message);
        over.then(|| finding().holding(theirs.iter().copied()))
    });
    all.into_iter().chain(by_course).collect()
}

/// Too many welcome mails at once: history read as news.
fn welcome_mails(view: &IntakeView<'_>) -> Vec<Finding> {
    let welcomes = |change: &IntakeChange| matches!(change, IntakeChange::Enrol(enrol) if enrol.welcome);
    let limit = view.policy.limits.welcome_mails;
    let mails = places(&view.plan.changes, welcomes);
    Finding::of_count("welcome_mails", "welcome mails", &mails, limit).into_iter().collect()
}
