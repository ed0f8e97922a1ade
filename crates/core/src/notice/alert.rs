//! What can go wrong, as operators hear of it: kinds, each with what to do.

use crate::verdict::OutcomeCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// No course has the feed's number, or two have, or it cannot be enrolled into.
    CourseLookup,
    /// An account could not be made.
    AccountCreation,
    /// Feed and Moodle do not agree who somebody is.
    Identity,
    /// A completion has no enrolment record.
    NoEnrolmentRecord,
    /// The ELM refused a completion, or has not taken it for long.
    CompletionRefused,
    RunFailed,
    /// A guard refused a plan.
    GuardRefused,
    /// Nothing comes from the feed.
    FeedSilent,
    /// Anything else that waits for a human.
    Attention,
}

impl AlertKind {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::FeedSilent,
        Self::RunFailed,
        Self::GuardRefused,
        Self::Identity,
        Self::AccountCreation,
        Self::CourseLookup,
        Self::NoEnrolmentRecord,
        Self::CompletionRefused,
        Self::Attention,
    ];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CourseLookup => "course_lookup",
            Self::AccountCreation => "account_creation",
            Self::Identity => "identity",
            Self::NoEnrolmentRecord => "no_enrolment_record",
            Self::CompletionRefused => "completion_refused",
            Self::RunFailed => "run_failed",
            Self::GuardRefused => "guard_refused",
            Self::FeedSilent => "feed_silent",
            Self::Attention => "attention",
        }
    }

    /// The kind of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn heading(self) -> &'static str {
        match self {
            Self::CourseLookup => "Course lookup failed",
            Self::AccountCreation => "An account could not be created",
            Self::Identity => "Mail mismatch or changed GUID",
            Self::NoEnrolmentRecord => "Completion without enrolment record",
            Self::CompletionRefused => "Completion not accepted",
            Self::RunFailed => "A run failed",
            Self::GuardRefused => "A guard refused a plan",
            Self::FeedSilent => "The feed is silent",
            Self::Attention => "Waits for a human",
        }
    }

    /// The kind of an attention item, and what to do about it.
    pub fn of_attention(kind: &str) -> (Self, &'static str) {
        use OutcomeCode as C;
        match (OutcomeCode::read(kind), kind) {
            (Some(C::CourseNotFound), _) => {
                (Self::CourseLookup, "give the course this ID number in Moodle, or ask HR whether the class is right")
            }
            (Some(C::CourseAmbiguous), _) => (Self::CourseLookup, "take the ID number from all but one of the courses"),
            (Some(C::NoManualInstance), _) => (Self::CourseLookup, "add manual enrolment to the course"),
            (Some(C::AccountRefused | C::UsernameRefused | C::NameMissing), _) => {
                (Self::AccountCreation, "have the person's data corrected in the ELM, or make the account by hand")
            }
            (Some(C::MailMismatch), _) => {
                (Self::Identity, "update the mail in Moodle if the feed is right; else have the ELM corrected")
            }
            (Some(C::GuidChanged), _) => (Self::Identity, "use the account if it is the same person; else ask HR"),
            (Some(C::TwoAccounts), _) => (Self::Identity, "take the GUID from all but one of the accounts in Moodle"),
            (Some(C::SharedAddress), _) => (Self::Identity, "ask HR which of the people has this address"),
            (Some(C::EnrolRefused), _) => {
                (Self::Attention, "check that the service account may enrol and assign the role in this course")
            }
            (
                Some(code @ (C::OtherMethod | C::MethodUnknown | C::RoleDiffers | C::DatesUnknown | C::AccountBlocked)),
                _,
            ) => (Self::Attention, code.entry().remedy.unwrap_or_default()),
            (Some(code @ C::GuidLost), _) => (Self::Identity, code.entry().remedy.unwrap_or_default()),
            (Some(C::StillActive), _) => {
                (Self::Attention, "take away the other enrolment method's hold on the person, if it should go too")
            }
            (Some(C::Invalid), _) => {
                (Self::Attention, "have the record corrected in the ELM; the feed then gives a new one")
            }
            (Some(C::Contradiction), _) => {
                (Self::Attention, "find out in the ELM which of the two is true, and ignore the other")
            }
            (Some(C::Protected), _) => (
                Self::Attention,
                "enrol or suspend by hand, or take the person off the list of those who are never touched",
            ),
            (_, "completion_refused" | "completion_stuck") => {
                (Self::CompletionRefused, "look at the ELM's answer, correct what it names, and send it again")
            }
            (_, "completion_elm") => {
                (Self::CompletionRefused, "ask whoever keeps the ELM; completions are kept meanwhile")
            }
            (_, "completion_no_course_number") => {
                (Self::Attention, "give the course its ID number in Moodle, by which the ELM knows it")
            }
            (_, "completion_no_guid") => {
                (Self::Attention, "give the account its GUID (ID number) in Moodle, by which the ELM knows the person")
            }
            (_, "completion_other_account") => {
                (Self::Attention, "merge the two accounts, or send this completion by hand")
            }
            (_, "completion_needs_reset") => (
                Self::Attention,
                "reset the person's completion of the course in Moodle; what they complete then is reported",
            ),
            (_, other) if other.starts_with("completion_") => {
                (Self::NoEnrolmentRecord, "supply the enrolment id, or mark the completion as reported elsewhere")
            }
            _ => (Self::Attention, "look at the item and decide"),
        }
    }
}

/// One trouble as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    /// What makes it the same trouble as a while ago; unique within link and kind.
    pub subject: String,
    /// What and who, in one line.
    pub title: String,
    pub remedy: String,
    /// Where to look: a path under the public address.
    pub path: String,
    pub since: Timestamp,
    /// Since when it has the cause that its title names, where another cause is told at once; `None` where it has but one.
    pub cause_since: Option<Timestamp>,
}

// Episodes: one continuous trouble is told when it begins, when its cause becomes another, reminded of while it lasts, and told
// when it ends.

/// An episode that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEpisode {
    pub id: i64,
    pub kind: AlertKind,
    pub subject: String,
    /// It in one line, as it was told.
    pub title: String,
    pub began: Timestamp,
    /// When people were told last.
    pub told: Timestamp,
}

/// What is to be told, or only noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EpisodeChange {
    Begins(Alert),
    /// It goes on, and has another cause by now.
    Changes(OpenEpisode, Alert),
    /// It goes on, and it is time to say so again.
    Reminds(OpenEpisode, Alert),
    Ends(OpenEpisode),
}

/// Another cause is told once it has lasted so long: one that comes and goes is told by the reminders.
const CAUSE_LASTS: SignedDuration = SignedDuration::from_mins(20);

/// What has changed between the episodes that are open and the troubles that are. Kinds of which not all could be looked at are
/// left out of `looked`: what is not seen of them has not ended.
pub fn follow(
    open: &[OpenEpisode],
    troubles: &[Alert],
    looked: &BTreeSet<AlertKind>,
    reminder: SignedDuration,
    now: Timestamp,
) -> Vec<EpisodeChange> {
    let troubles: BTreeMap<(AlertKind, &str), &Alert> =
        troubles.iter().map(|trouble| ((trouble.kind, trouble.subject.as_str()), trouble)).collect();
    let known: BTreeSet<(AlertKind, &str)> =
        open.iter().map(|episode| (episode.kind, episode.subject.as_str())).collect();
    let begin =
        troubles.iter().filter(|(key, _)| !known.contains(*key)).map(|(_, one)| EpisodeChange::Begins((*one).clone()));
    let mut turns: Vec<EpisodeChange> = begin.collect();
    for episode in open {
        match troubles.get(&(episode.kind, episode.subject.as_str())) {
            None if looked.contains(&episode.kind) => turns.push(EpisodeChange::Ends(episode.clone())),
            None => {}
            Some(trouble) if now.duration_since(episode.told) >= reminder => {
                turns.push(EpisodeChange::Reminds(episode.clone(), (*trouble).clone()));
            }
            Some(trouble) if has_another_cause(episode, trouble, now) => {
                turns.push(EpisodeChange::Changes(episode.clone(), (*trouble).clone()));
            }
            Some(_) => {}
        }
    }
    turns
}

/// Whether people were told something that is not so any more, and what is so has lasted for a while.
fn has_another_cause(episode: &OpenEpisode, trouble: &Alert, now: Timestamp) -> bool {
    let lasts = trouble.cause_since.is_some_and(|since| now.duration_since(since) >= CAUSE_LASTS);
    lasts && trouble.title != episode.title
}
