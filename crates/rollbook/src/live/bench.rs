//! What a case works with: the clients, and people and courses that nobody else has.
//!
//! Next: `made.rs`, what a case made; `community.rs`, the community that it may be given.

use super::community::LiveCommunity;
use super::completer::Completer;
use super::difference::{Checked, Difference, while_doing};
use super::made::{Made, Person, Place};
use rollbook_clock::Clock;
use rollbook_core::model::{ElmCourseId, MoodleCourseId, MoodleUserId, RoleId};
use rollbook_moodle::client::read::{UserField, WhichEnrolled, WhichFields};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, NewCourse, NewUser};
use rollbook_moodle::client::{MoodleClient, MoodleOptions, MoodleReader, MoodleWriter};
use rollbook_remote::database::{Database, DatabaseError, DatabaseOptions};
use rollbook_remote::http::SetupError;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the suite is given.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// The Moodle's own address.
    pub url: String,
    /// The token under test: that of the service account.
    pub token: SecretString,
    /// A token that may make and delete accounts and courses. Without it only cases run that need neither.
    pub fixture_token: Option<SecretString>,
    /// A token that may call and see nothing.
    pub weak_token: Option<SecretString>,
    /// The Moodle's database, read only.
    pub database: Option<DatabaseOptions>,
    /// The role of enrolments.
    pub role: RoleId,
    /// An account that the token must see; else the first administrator.
    pub sentinel: Option<String>,
    /// A role that guilds give in the whole site.
    pub guild_role: Option<RoleId>,
    /// A community, which is only read.
    pub community: Option<LiveCommunity>,
    /// What lets somebody complete a course. Without it no case about completions runs.
    pub completer: Option<Completer>,
    /// A folder for journals, which the caller removes.
    pub folder: PathBuf,
}

/// Why the suite cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A client cannot be made.
    #[error("a client cannot be made")]
    Client(#[from] SetupError),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] DatabaseError),
}

/// What a case works with.
pub struct Bench {
    /// The client under test.
    pub(super) moodle: MoodleClient,
    /// What makes courses and accounts, and deletes them.
    pub(super) fixture: Option<MoodleClient>,
    /// What sees nothing.
    pub(super) weak: Option<MoodleClient>,
    /// Moodle's database.
    pub(super) database: Option<Database>,
    /// As given.
    pub(super) options: LiveOptions,
    /// The machine's.
    pub(super) clock: Clock,
    prefix: String,
    /// The number of the suite's first course.
    first_course: i64,
    made: Mutex<Made>,
}

impl Bench {
    /// Prepares the clients; nothing is sent.
    ///
    /// # Errors
    /// [`LiveError`]
    pub fn new(options: LiveOptions, clock: Clock) -> Result<Self, LiveError> {
        let client = |token: &SecretString| MoodleClient::new(MoodleOptions::new(&options.url, token.clone()));
        let started = clock.now().as_millisecond();
        Ok(Self {
            moodle: client(&options.token)?,
            fixture: options.fixture_token.as_ref().map(client).transpose()?,
            weak: options.weak_token.as_ref().map(client).transpose()?,
            database: options.database.as_ref().map(Database::new).transpose()?,
            prefix: format!("rbl{started:x}"),
            first_course: 7_000_000_000_000 + started % 1_000_000_000 * 1_000,
            made: Mutex::default(),
            options,
            clock,
        })
    }

    /// What everything that is made here has in its name.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Reads as the service account.
    pub(super) fn reader(&self) -> MoodleReader {
        self.moodle.reader()
    }

    /// Writes as the service account.
    pub(super) fn writer(&self) -> MoodleWriter {
        self.moodle.writer()
    }

    /// The client that makes courses. A case that uses it says that it needs fixtures.
    pub(super) fn fixture(&self) -> Checked<&MoodleClient> {
        needed(self.fixture.as_ref(), "the fixture token")
    }

    /// The client that sees nothing.
    pub(super) fn weak(&self) -> Checked<&MoodleClient> {
        needed(self.weak.as_ref(), "the weak token")
    }

    /// The database.
    pub(super) fn database(&self) -> Checked<&Database> {
        needed(self.database.as_ref(), "the database")
    }

    /// Another client of the same token, with other limits.
    pub(super) fn client_with(&self, change: impl FnOnce(&mut MoodleOptions)) -> Checked<MoodleClient> {
        let mut options = MoodleOptions::new(&self.options.url, self.options.token.clone());
        change(&mut options);
        MoodleClient::new(options).map_err(while_doing("making a client"))
    }

    /// Says something that is worth knowing of this site, and no difference.
    pub(super) fn note(&self, text: impl Into<String>) {
        let text = text.into();
        let mut made = self.made();
        if !made.notes.contains(&text) {
            made.notes.push(text);
        }
    }

    /// What the present case made so far.
    pub(super) fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Thinks somebody up; nothing is made.
    pub(super) fn person(&self) -> Person {
        let (prefix, number) = (&self.prefix, self.number());
        let mail = format!("Livia.{number}@{prefix}.example.org");
        let guid = format!("{}X{number:04}", prefix.to_uppercase());
        self.remember(Person { guid, username: mail.to_lowercase(), mail })
    }

    /// Writes somebody down for removal.
    pub(super) fn remember(&self, person: Person) -> Person {
        self.made().people.push(person.clone());
        person
    }

    /// Somebody with an account.
    pub(super) async fn account(&self) -> Checked<(Person, MoodleUserId)> {
        let person = self.person();
        let made = self.fixture()?.writer().create_users(&[person.account()]).await;
        Ok((person, made.map_err(while_doing("making an account"))?[0].0))
    }

    /// Several people with accounts, by one call.
    pub(super) async fn accounts(&self, count: usize) -> Checked<Vec<MoodleUserId>> {
        let people: Vec<NewUser> = (0..count).map(|_| self.person().account()).collect();
        let made = self.fixture()?.writer().create_users(&people).await.map_err(while_doing("making accounts"))?;
        Ok(made.into_iter().map(|(id, _)| id).collect())
    }

    /// A course that is visible and takes manual enrolments.
    pub(super) async fn course(&self) -> Checked<Place> {
        self.course_numbered(self.idnumber(), true).await
    }

    /// A course that learners do not see.
    pub(super) async fn hidden_course(&self) -> Checked<Place> {
        self.course_numbered(self.idnumber(), false).await
    }

    /// A course whose groups are separate.
    pub(super) async fn course_of_groups(&self) -> Checked<Place> {
        self.make_course(self.idnumber(), |course| NewCourse { separate_groups: true, ..course }).await
    }

    /// A course that tracks completion, without a criterion for it.
    pub(super) async fn tracking_course(&self) -> Checked<Place> {
        self.make_course(self.idnumber(), |course| NewCourse { completion: true, ..course }).await
    }

    /// A number that no course has.
    pub(super) fn idnumber(&self) -> i64 {
        self.first_course + self.number()
    }

    /// A course of this number.
    pub(super) async fn course_numbered(&self, idnumber: i64, visible: bool) -> Checked<Place> {
        self.make_course(idnumber, |course| NewCourse { visible, ..course }).await
    }

    async fn make_course(&self, idnumber: i64, like: impl FnOnce(NewCourse) -> NewCourse) -> Checked<Place> {
        let prefix = &self.prefix;
        let course = like(NewCourse {
            fullname: format!("Live & well {prefix}"),
            shortname: format!("{prefix}-{idnumber}"),
            category: 1,
            idnumber: ElmCourseId::new(idnumber.to_string()),
            completion: false,
            visible: true,
            separate_groups: false,
        });
        let made = self.fixture()?.writer().create_courses(&[course]).await.map_err(while_doing("making a course"))?;
        let id = made.first().copied().ok_or_else(|| Difference::Failed {
            doing: "making a course".to_owned(),
            why: "no id was given".to_owned(),
        })?;
        self.made().courses.insert(id);
        Ok(Place { id, idnumber })
    }

    /// An enrolment without dates, in the role of the suite.
    pub(super) fn enrolment(&self, state: EnrolmentState, user: MoodleUserId, course: MoodleCourseId) -> Enrolment {
        Enrolment { state, role: self.options.role, user, course, time_start: None, time_end: None }
    }

    /// Enrols as the service account.
    pub(super) async fn enrol(&self, state: EnrolmentState, user: MoodleUserId, course: MoodleCourseId) -> Checked {
        let enrolments = [self.enrolment(state, user, course)];
        self.writer().enrol(&enrolments).await.map_err(while_doing("enrolling"))?;
        Ok(())
    }

    /// The participants of a course, by id.
    pub(super) async fn listed(&self, course: MoodleCourseId, which: WhichEnrolled) -> Checked<Vec<MoodleUserId>> {
        let listed = self.reader().fetch_enrolled(course, which, WhichFields::Id).await;
        Ok(listed.map_err(while_doing("listing a course"))?.into_iter().map(|user| user.id).collect())
    }

    /// The accounts of one value, by id.
    pub(super) async fn found(&self, field: UserField, value: &str) -> Checked<Vec<MoodleUserId>> {
        let found = self.reader().fetch_users(field, &[value.to_owned()]).await;
        Ok(found.map_err(while_doing("looking up an account"))?.users.into_iter().map(|user| user.id).collect())
    }

    fn number(&self) -> i64 {
        let mut made = self.made();
        made.numbers += 1;
        made.numbers
    }
}

fn needed<'a, T>(thing: Option<&'a T>, what: &str) -> Checked<&'a T> {
    thing.ok_or_else(|| Difference::Failed { doing: format!("using {what}"), why: "it was not given".to_owned() })
}
