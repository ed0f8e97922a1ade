//! A Moodle as small as a test can use: it keeps accounts, courses and enrolments, and refuses what the real one refuses.

use rollbook_core::matching::{Directory, derive_username};
use rollbook_core::model::{
    Account, Course, ElmCourseId, Enrolment, FeedRecord, Guid, Mail, MoodleCourseId, MoodleUserId, Participation,
};
use rollbook_core::plan::{Courses, EnrolChange, Enrolments, IntakeChange, NewAccount, SuspendChange, Who};
use rollbook_core::policy::IntakePolicy;
use rollbook_core::run::Outcome;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moodle {
    pub accounts: BTreeMap<MoodleUserId, Account>,
    pub courses: BTreeMap<MoodleCourseId, Course>,
    pub enrolments: BTreeMap<(MoodleUserId, MoodleCourseId), Participation>,
    /// Pairs that stay active by another method when the manual enrolment is suspended.
    pub active_otherwise: BTreeSet<(MoodleUserId, MoodleCourseId)>,
}

/// What a run has looked up for some records.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub directory: Directory,
    pub courses: Courses,
    pub enrolments: Enrolments,
}

impl Moodle {
    /// Looks up what the records need, as the product does, but for what is in `unasked`.
    pub fn look_up(
        &self,
        records: &[FeedRecord],
        policy: &IntakePolicy,
        unasked: &BTreeSet<String>,
        accounts: &BTreeMap<String, MoodleUserId>,
    ) -> Seen {
        let is_asked = |kind: &str, text: &str| !unasked.contains(&format!("{kind} {text}"));
        let good = || records.iter().filter(|record| record.reading.is_ok());
        let asked = |kind: &str, texts: BTreeSet<String>| -> BTreeSet<String> {
            texts.into_iter().filter(|text| is_asked(kind, text)).collect()
        };
        let known: BTreeSet<MoodleUserId> =
            good().filter_map(|record| accounts.get(&record.guid().folded()).copied()).collect();
        let guids = asked("guid", good().map(|record| record.guid().folded()).collect());
        let mails = asked("mail", good().map(|record| record.mail().folded()).collect());
        let usernames = asked("username", good().filter_map(|record| derive_username(record, policy).ok()).collect());
        let found = |account: &&Account| {
            known.contains(&account.id)
                || guids.contains(&Guid::new(account.guid.as_str()).folded())
                || mails.contains(&Mail::new(account.mail.as_str()).folded())
                || usernames.contains(&account.username.to_lowercase())
        };
        let mut directory = Directory::default();
        for account in self.accounts.values().filter(found) {
            directory.add(account.clone());
        }
        directory.asked_guids(guids);
        directory.asked_mails(mails);
        directory.asked_usernames(usernames);
        let mut courses = Courses::new();
        for asked in good().map(FeedRecord::course).filter(|asked| is_asked("course", asked.as_str())) {
            let found = self.courses.values().filter(|course| same_id_number(&course.elm_id, &asked)).cloned();
            courses.insert(asked.clone(), found.map(|course| self.with_active(course)).collect());
        }
        Seen { directory, courses, enrolments: self.standings(unasked) }
    }

    fn with_active(&self, course: Course) -> Course {
        let active = |((_, of), there): &(&(_, MoodleCourseId), &Participation)| {
            *of == course.id && there.state == Enrolment::Active
        };
        let counted = self.enrolments.iter().filter(active).count() as u64;
        Course { active: course.active.or(Some(counted)), ..course }
    }

    fn standings(&self, unasked: &BTreeSet<String>) -> Enrolments {
        let pairs = self.accounts.keys().flat_map(|user| self.courses.keys().map(|course| (*user, *course)));
        pairs
            .filter(|(user, course)| !unasked.contains(&format!("enrolment {user} in {course}")))
            .map(|pair| (pair, self.enrolments.get(&pair).cloned().unwrap_or_else(|| Enrolment::Absent.into())))
            .collect()
    }

    /// Does one change, or refuses it as Moodle would.
    pub fn apply(&mut self, change: &IntakeChange) -> Outcome {
        match change {
            IntakeChange::CreateAccount(account) => self.create(account),
            IntakeChange::Enrol(EnrolChange { who, course, .. }) => match self.account_of(who) {
                Some(user) => self.write(user, *course, Enrolment::Active),
                None => Outcome::NotTried { why: "the account was not made".into() },
            },
            IntakeChange::Suspend(SuspendChange { user, course, .. }) => {
                self.write(*user, *course, Enrolment::Suspended)
            }
        }
    }

    fn create(&mut self, new: &NewAccount) -> Outcome {
        let taken = |account: &Account| account.username == new.username || new.mail.same_as(&account.mail);
        if self.accounts.values().any(taken) {
            return refused("invalidparameter");
        }
        let id = MoodleUserId(self.accounts.keys().last().map_or(101, |last| last.0.max(100) + 1));
        let account = Account {
            id,
            username: new.username.clone(),
            mail: new.mail.as_str().to_owned(),
            guid: new.guid.as_str().to_owned(),
            first_name: new.first_name.clone(),
            last_name: new.last_name.clone(),
            suspended: false,
            confirmed: true,
            auth: new.auth.clone(),
        };
        self.accounts.insert(id, account);
        Outcome::Done
    }

    fn account_of(&self, who: &Who) -> Option<MoodleUserId> {
        match who {
            Who::Account(id) => Some(*id),
            Who::New(guid) => self.accounts.values().find(|account| account.guid == guid.as_str()).map(|made| made.id),
        }
    }

    fn write(&mut self, user: MoodleUserId, course: MoodleCourseId, state: Enrolment) -> Outcome {
        if !self.accounts.contains_key(&user) {
            return refused("codingerror");
        }
        if !self.courses.contains_key(&course) {
            return refused("invalidparameter");
        }
        if state == Enrolment::Suspended && self.active_otherwise.contains(&(user, course)) {
            return refused(Outcome::STILL_ACTIVE);
        }
        let there = self.enrolments.entry((user, course)).or_insert_with(|| Enrolment::Absent.into());
        there.state = state;
        for manual in there.enrolments.iter_mut().flatten().filter(|enrolment| enrolment.method == "manual") {
            manual.enabled = state == Enrolment::Active;
        }
        Outcome::Done
    }
}

/// MariaDB's collation: case and trailing spaces do not count.
fn same_id_number(held: &ElmCourseId, asked: &ElmCourseId) -> bool {
    held.as_str().trim_end().to_lowercase() == asked.as_str().trim_end().to_lowercase()
}

fn refused(code: &str) -> Outcome {
    Outcome::Refused { code: code.to_owned() }
}
