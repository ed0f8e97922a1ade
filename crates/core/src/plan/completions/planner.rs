//! Decides, completion by completion in the order in which people completed.

use super::known::{KnownCompletion, KnownCompletions};
use super::report::{Report, ReportParts};
use crate::desired::{OptedCourse, enrolment_number, newest_enrolment};
use crate::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, Fingerprint, Guid, LinkName, MoodleCourseId, SeenBy,
    SeenCompletion,
};
use crate::plan::{Digest, digest};
use crate::policy::CompletionsPolicy;
use crate::snapshot::Snapshot;
use crate::verdict::Unreported;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that a plan of completions is made from.
#[derive(Clone, Copy, Debug)]
pub struct CompletionInputs<'a> {
    /// The link.
    pub link: &'a LinkName,
    /// The completions: new ones, and those that wait for a human or for other settings.
    pub seen: &'a Snapshot<Vec<SeenCompletion>>,
    /// The courses that opted in, now or before.
    pub courses: &'a BTreeMap<MoodleCourseId, OptedCourse>,
    /// The Enrol records by folded GUID and course, for every completion of which they were looked up.
    pub records: &'a BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>,
    /// What was reported.
    pub known: &'a KnownCompletions,
    /// Enrolment ids that a person supplied.
    pub supplied: &'a BTreeMap<CompletionKey, EnrolmentId>,
}

/// A completion that is not reported, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletionSkip {
    /// The completion.
    pub seen: SeenCompletion,
    /// The course, as the ELM names it, where it does.
    pub elm_id: Option<ElmCourseId>,
    /// Why.
    pub why: Unreported,
}

/// What one run of completions would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletionsPlan {
    /// The link.
    pub link: LinkName,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// The reports, in the order of completion.
    pub reports: Vec<Report>,
    /// What is not reported, in the order of completion.
    pub skips: Vec<CompletionSkip>,
}

impl CompletionsPlan {
    /// The digest of its reports.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.reports)
    }
}

/// Decides which of the completions are reported. The same inputs, in whatever order, give the same plan.
pub fn plan_completions(inputs: &CompletionInputs<'_>, policy: &CompletionsPolicy, now: Timestamp) -> CompletionsPlan {
    let mut seen: Vec<&SeenCompletion> = inputs.seen.value.iter().collect();
    // Of two sightings of one completion the database's counts, then the one that knows more of the person.
    seen.sort_by(|left, right| order(left).cmp(&order(right)));
    seen.dedup_by_key(|completion| completion.key);
    let mut planner = Planner { inputs, policy, known: inputs.known.clone() };
    let (mut reports, mut skips) = (Vec::new(), Vec::new());
    for completion in seen {
        match planner.decide(completion) {
            Ok(report) => reports.push(report),
            Err(why) => {
                let elm_id = inputs.courses.get(&completion.key.course).and_then(|course| course.elm_id.clone());
                skips.push(CompletionSkip { seen: completion.clone(), elm_id, why });
            }
        }
    }
    CompletionsPlan { link: inputs.link.clone(), made_at: now, reports, skips }
}

fn order(seen: &SeenCompletion) -> impl Ord {
    let by = match seen.by {
        SeenBy::ManualClock => 0,
        SeenBy::Database => 1,
        SeenBy::WebServices => 2,
    };
    let CompletionKey { user, course, completed_at } = seen.key;
    let person = [&seen.guid.0, &seen.mail, &seen.first_name, &seen.last_name];
    let unknown = person.iter().filter(|text| text.is_empty()).count();
    (completed_at, user, course, by, unknown, person.map(Clone::clone))
}

struct Planner<'a> {
    inputs: &'a CompletionInputs<'a>,
    policy: &'a CompletionsPolicy,
    known: KnownCompletions,
}

impl Planner<'_> {
    fn decide(&mut self, seen: &SeenCompletion) -> Result<Report, Unreported> {
        let course = self.inputs.courses.get(&seen.key.course).filter(|course| !course.withdrawn);
        let course = course.ok_or(Unreported::NotOptedIn)?;
        let from = course.reports_from(self.policy);
        if seen.key.completed_at < from {
            return Err(Unreported::BeforeStart { from });
        }
        let guid = seen.guid.folded();
        let records = course.elm_id.clone().and_then(|elm_id| self.inputs.records.get(&(guid.clone(), elm_id)));
        let newest = records.and_then(|records| newest_enrolment(records));
        self.refuse_reported_account(seen, newest)?;
        let elm_id = course.elm_id.as_ref().ok_or(Unreported::NoCourseNumber)?;
        if guid.is_empty() {
            return Err(Unreported::NoGuid);
        }
        self.refuse_reported_person(seen, &guid, elm_id, newest)?;
        let report = self.report(seen, elm_id, newest)?;
        self.known.add(KnownCompletion { key: seen.key, guid, elm_id: elm_id.clone() });
        Ok(report)
    }

    /// A later time is another completion, except to web services: there a criterion that was met later moves the time,
    /// so that only a new enrolment in between proves one.
    fn refuse_reported_account(
        &self,
        seen: &SeenCompletion,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<(), Unreported> {
        let CompletionKey { user, course, completed_at } = seen.key;
        let Some(reported) = self.known.of_account(user, course) else {
            return Ok(());
        };
        let again = match seen.by {
            SeenBy::Database | SeenBy::ManualClock => true,
            SeenBy::WebServices => {
                newest.is_some_and(|record| reported < record.changed && record.changed <= completed_at)
            }
        };
        if completed_at > reported && again {
            return Ok(());
        }
        Err(Unreported::AlreadyReported { completed_at: reported })
    }

    /// Two accounts of one person: what the one completed, the other does not complete again, unless the ELM enrolled the
    /// person anew in between.
    fn refuse_reported_person(
        &self,
        seen: &SeenCompletion,
        guid: &str,
        elm_id: &ElmCourseId,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<(), Unreported> {
        let reported = self.known.of_person(guid, elm_id).filter(|reported| reported.user != seen.key.user);
        let Some(reported) = reported else {
            return Ok(());
        };
        if seen.key.completed_at <= reported.completed_at {
            return Err(Unreported::AlreadyReported { completed_at: reported.completed_at });
        }
        if newest.is_some_and(|record| record.changed > reported.completed_at) || seen.by == SeenBy::ManualClock {
            return Ok(());
        }
        Err(Unreported::OtherAccount { reported: reported.user })
    }

    fn report(
        &self,
        seen: &SeenCompletion,
        elm_id: &ElmCourseId,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<Report, Unreported> {
        let supplied = self.inputs.supplied.get(&seen.key);
        let (enrolment, record) = match supplied {
            Some(id) => (number(id)?, None),
            None => from_record(newest)?,
        };
        let complete_date = seen.key.completed_at.to_zoned(self.policy.zone.clone()).date();
        // The ELM gets its own words back; the account fills in what the record does not say.
        let said = |of_record: fn(&EnrolmentRecord) -> &str, of_account: &'_ str| {
            let said = newest.map(of_record).map(str::trim).filter(|text| !text.is_empty());
            said.unwrap_or_else(|| of_account.trim()).to_owned()
        };
        let guid = Guid::new(said(|record| record.guid.as_str(), seen.guid.as_str()));
        let short_name = newest.map(|record| record.short_name.clone()).unwrap_or_default();
        let mail = said(|record| &record.mail, &seen.mail);
        let first_name = said(|record| &record.first_name, &seen.first_name);
        let last_name = said(|record| &record.last_name, &seen.last_name);
        let parts = ReportParts {
            complete_date,
            enrolment,
            elm_id,
            short_name: &short_name,
            mail: &mail,
            guid: &guid,
            first_name: &first_name,
            last_name: &last_name,
        };
        let body = parts.body(&self.policy.words);
        let (key, elm_id) = (seen.key, elm_id.clone());
        Ok(Report {
            key,
            guid,
            elm_id,
            enrolment,
            complete_date,
            record,
            short_name,
            mail,
            first_name,
            last_name,
            body,
        })
    }
}

fn from_record(newest: Option<&EnrolmentRecord>) -> Result<(i64, Option<Fingerprint>), Unreported> {
    let record = newest.ok_or(Unreported::NoEnrolmentRecord)?;
    let id = record.enrolment.as_ref().ok_or(Unreported::NoEnrolmentId { record: record.fingerprint })?;
    Ok((number(id)?, Some(record.fingerprint)))
}

fn number(id: &EnrolmentId) -> Result<i64, Unreported> {
    enrolment_number(id).ok_or_else(|| Unreported::EnrolmentIdNotANumber { id: id.clone() })
}
