//! What is known about a set of completions → their plan.

use super::CompletionsFlow;
use super::collect::{WAITING_MAX, fill_in, people_now, question};
use super::report::CompletionsError;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::desired::{OptedCourse, ScanKind, choose_scans};
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, LinkName, MoodleCourseId, MoodleUserId, SeenCompletion,
};
use rollbook_core::plan::{CompletionInputs, CompletionsPlan, KnownCompletions, plan_completions};
use rollbook_core::policy::CompletionsPolicy;
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Journal, JournalError, KnownQuery, WaitingCompletion};
use std::collections::{BTreeMap, BTreeSet};

/// Completions, with everything that their plan is made from.
pub(super) struct Weighed {
    pub seen: Snapshot<Vec<SeenCompletion>>,
    courses: BTreeMap<MoodleCourseId, OptedCourse>,
    records: BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>,
    known: KnownCompletions,
    supplied: BTreeMap<CompletionKey, EnrolmentId>,
}

impl Weighed {
    /// Asks the journal what is known about the completions.
    pub async fn collect(
        flow: &CompletionsFlow,
        journal: &Journal,
        seen: Snapshot<Vec<SeenCompletion>>,
        opted: &[OptedCourse],
        supplied: BTreeMap<CompletionKey, EnrolmentId>,
    ) -> Result<Self, JournalError> {
        let questions: Vec<KnownQuery> = seen.value.iter().map(|seen| question(seen, opted)).collect();
        let pairs = questions.iter().filter_map(|asked| Some((asked.guid.clone(), asked.elm_id.clone()?)));
        let pairs: BTreeSet<_> = pairs.filter(|(guid, _)| !guid.is_empty()).collect();
        let pairs: Vec<_> = pairs.into_iter().collect();
        let records = journal.completions().enrolment_records(&flow.intakes, &pairs).await?;
        let known = KnownCompletions::new(journal.completions().known(&flow.link, &questions).await?);
        let courses = opted.iter().map(|course| (course.id, course.clone())).collect();
        Ok(Self { seen, courses, records, known, supplied })
    }

    /// The plan.
    pub fn plan(&self, link: &LinkName, policy: &CompletionsPolicy, now: Timestamp) -> CompletionsPlan {
        let Self { seen, courses, records, known, supplied } = self;
        plan_completions(&CompletionInputs { link, seen, courses, records, known, supplied }, policy, now)
    }
}

/// What waits for a human and, when the settings reach further back than before, what was skipped until now.
pub(super) async fn collect_waiting(
    flow: &CompletionsFlow,
    journal: &Journal,
    opted: &[OptedCourse],
    now: Timestamp,
) -> Result<Vec<WaitingCompletion>, CompletionsError> {
    let scans = choose_scans(opted, &flow.policy, Some(now), SignedDuration::ZERO, false);
    let reach_back = scans.iter().filter(|scan| scan.kind != ScanKind::Ordinary).map(|scan| scan.since).min();
    let mut waiting = journal.completions().waiting(&flow.link, reach_back, WAITING_MAX).await?;
    let nameless: BTreeSet<MoodleUserId> = waiting
        .iter()
        .filter(|waiting| waiting.seen.guid.as_str().is_empty())
        .map(|waiting| waiting.seen.key.user)
        .collect();
    if !nameless.is_empty() {
        let people = people_now(flow, &nameless.into_iter().collect::<Vec<_>>()).await?;
        for waiting in &mut waiting {
            fill_in(&mut waiting.seen, &people);
        }
    }
    Ok(waiting)
}
