//! One person's life, as `docs/LIFE.md` tells it, step by step on one sandbox.

use crate::stage::{FIRST, LARGE, NOW, SMALL, Stage, ago, empty_school, enrol, suspend};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::run::RunState;
use rollbook_sandbox::FeedRow;
use std::time::Duration;

const STEP: Duration = Duration::from_secs(24 * 60 * 60);

/// A life on a stage: each step is a day, with the records that HR enters on it.
struct Life {
    stage: Stage,
    day: i64,
}

impl Life {
    fn today(&self) -> Timestamp {
        ago(0) + SignedDuration::from_hours(24 * self.day)
    }

    fn row(&self, state: fn(&str, i64, i64) -> FeedRow, course: i64, enrolment: i64) -> FeedRow {
        let minutes = -(self.day * 24 * 60) + 5;
        state("VERA", course, minutes).numbered(enrolment)
    }

    /// Runs on the next day and gives the codes of the records that came.
    async fn live(&mut self, rows: Vec<FeedRow>) -> Vec<String> {
        let before = self.stage.codes("VERA").await.len();
        rows.into_iter().for_each(|row| self.stage.sandbox.world().elm.push(row));
        let report = self.stage.round().await.unwrap();
        assert_ne!(report.state, RunState::Failed);
        self.stage.hand.advance(STEP);
        self.day += 1;
        let codes = self.stage.codes("VERA").await.split_off(before);
        codes.iter().map(|code| code.rsplit(' ').next().unwrap_or_default().to_owned()).collect()
    }

    fn is_in(&self, course: i64) -> bool {
        let world = self.stage.sandbox.world();
        let moodle = &world.moodle;
        let user = moodle.users_by_idnumber("VERA")[0].id;
        let course = moodle.courses_by_idnumber(&course.to_string())[0].id;
        moodle.enrolment(user, course).is_some_and(|row| !row.suspended)
    }

    fn mails(&self) -> usize {
        self.stage.sandbox.world().mail.mails.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_life() {
    assert!(NOW.starts_with("2026-11-23"));
    let mut life = Life { stage: Stage::new(empty_school()).await, day: 0 };

    // Hire.
    let rows = vec![life.row(enrol, FIRST, 1)];
    assert_eq!(life.live(rows).await, ["enrolled"]);
    assert!(life.is_in(FIRST) && life.mails() == 1);

    // A second class, and the end of the first.
    let rows = vec![life.row(enrol, FIRST, 2)];
    assert_eq!(life.live(rows).await, ["already_enrolled"]);
    let rows = vec![life.row(suspend, FIRST, 1)];
    assert_eq!(life.live(rows).await, ["other_enrolment"]);
    assert!(life.is_in(FIRST));

    // Another family name: no question, no change.
    let rows = vec![life.row(enrol, LARGE, 3).named("Given", "Married")];
    assert_eq!(life.live(rows).await, ["enrolled"]);

    // Another mail address asks; a person brings the two together.
    let address = FeedRow { email: "vera.new@example.org".to_owned(), ..life.row(enrol, SMALL, 4) };
    assert_eq!(life.live(vec![address]).await, ["mail_mismatch"]);
    assert!(!life.is_in(LARGE) || life.mails() == 2);
    let user = life.stage.sandbox.world().moodle.users_by_idnumber("VERA")[0].id;
    let set_mail = |life: &Life, mail: &str| {
        let mail = mail.to_owned();
        life.stage.sandbox.world().moodle.users.edit(user, |user| user.email = mail);
    };
    set_mail(&life, "vera.new@example.org");
    life.live(vec![]).await;
    assert!(life.is_in(SMALL));
    let new_mail = |row: FeedRow| FeedRow { email: "vera.new@example.org".to_owned(), ..row };

    // Transfer: out of one course and into another; then back, as after a leave of absence.
    let rows = vec![new_mail(life.row(suspend, SMALL, 4))];
    assert_eq!(life.live(rows).await, ["suspended"]);
    assert!(!life.is_in(SMALL));
    let rows = vec![new_mail(life.row(enrol, SMALL, 4))];
    assert_eq!(life.live(rows).await, ["reactivated"]);
    assert!(life.is_in(SMALL));

    // A leave that is entered ahead, and called off.
    let later = life.today() + SignedDuration::from_hours(24 * 20);
    let rows = vec![new_mail(life.row(suspend, SMALL, 4)).acted(later)];
    assert_eq!(life.live(rows).await, ["planned"]);
    let rows = vec![new_mail(life.row(enrol, SMALL, 4))];
    assert_eq!(life.live(rows).await, ["already_enrolled"]);
    life.stage.hand.advance(21 * STEP);
    life.day += 21;
    assert_eq!(life.live(vec![]).await, [] as [&str; 0]);
    assert!(life.is_in(SMALL));

    // Leaver whose mailbox has gone first.
    let rows = [(FIRST, 2), (LARGE, 3), (SMALL, 4)].map(|(course, id)| life.row(suspend, course, id));
    let rows = rows.map(|row| FeedRow { email: String::new(), ..row });
    assert_eq!(life.live(rows.to_vec()).await, ["suspended", "suspended", "suspended"]);
    assert!(!life.is_in(FIRST) && !life.is_in(LARGE) && !life.is_in(SMALL));

    // Rehired while the account is still suspended for the whole site: in, without a mail, and said.
    life.stage.sandbox.world().moodle.users.edit(user, |user| user.suspended = true);
    let mails = life.mails();
    let rows = vec![new_mail(life.row(enrol, FIRST, 5))];
    assert_eq!(life.live(rows).await, ["enrolled_blocked"]);
    assert!(life.is_in(FIRST) && life.mails() == mails);

    // Single sign-on overwrites the ID number: no second account, and nobody is suspended.
    let accounts = life.stage.sandbox.world().moodle.users.iter().count();
    life.stage.sandbox.world().moodle.users.edit(user, |user| user.idnumber = "AAAA".to_owned());
    let rows = vec![new_mail(life.row(suspend, FIRST, 5))];
    assert_eq!(life.live(rows).await, ["guid_lost"]);
    assert_eq!(life.stage.sandbox.world().moodle.users.iter().count(), accounts);
    life.stage.sandbox.world().moodle.users.edit(user, |user| user.idnumber = "VERA".to_owned());
    life.live(vec![]).await;
    assert!(!life.is_in(FIRST), "{:?}", life.stage.codes("VERA").await);

    // Nothing is left that waits by itself.
    assert_eq!(life.stage.waiting().await, [] as [&str; 0]);
}
