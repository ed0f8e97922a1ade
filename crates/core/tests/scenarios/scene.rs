//! What the statements of a rule set up, and the words they may use. README.md explains the language.

use super::world::{Fate, World};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{
    Account, Course, ElmCourseId, Enrolment, FeedRecord, FieldNames, Fingerprint, Guid, ManualInstance, MoodleCourseId,
    MoodleUserId, Participation, RoleId, UserEnrolment, read_record, separate_collisions,
};
use rollbook_core::plan::{AppliedState, EnrolKind, Intended};
use rollbook_core::policy::{
    BlockedAccounts, EnrolmentIds, FutureDates, Protected, Unproven, UsernameCharacters, UsernameRule, Welcome,
};
use rollbook_core::run::Outcome;
use rollbook_core::snapshot::{Gap, Snapshot};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The world of a rule, and what its next run is given.
pub struct Scene {
    pub world: World,
    pub feed: Snapshot<Vec<FeedRecord>>,
    pub labels: BTreeMap<String, FeedRecord>,
    rows: BTreeMap<String, Value>,
    /// By label, or `account GUID`.
    pub fates: BTreeMap<String, Fate>,
    pub approved_by: Option<String>,
    protected: (Vec<String>, Vec<MoodleUserId>),
}

const TODAY: Date = jiff::civil::date(2026, 11, 23);

impl Scene {
    pub fn new() -> Self {
        let now = moment(TODAY, "12:00");
        Self {
            world: World::new(now),
            feed: Snapshot::complete(now, Vec::new()),
            labels: BTreeMap::new(),
            rows: BTreeMap::new(),
            fates: BTreeMap::new(),
            approved_by: None,
            protected: (Vec::new(), Vec::new()),
        }
    }

    /// After a run: what was only for that run is forgotten.
    pub fn end_run(&mut self) {
        self.feed = Snapshot::complete(self.world.now, Vec::new());
        self.fates.clear();
        self.approved_by = None;
        self.world.plan_waits = SignedDuration::ZERO;
    }

    pub fn label(&self, print: Fingerprint) -> String {
        let named = self.labels.iter().find(|(_, record)| record.fingerprint == print);
        named.map_or_else(|| print.to_string(), |(label, _)| label.clone())
    }

    pub fn take(&mut self, statement: &str) {
        let words = split(statement);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["now", time] => self.world.now = moment(TODAY, time),
            ["now", date, time] => self.world.now = moment(date.parse().expect("a date"), time),
            ["policy", rest @ ..] => self.policy(rest),
            ["moodle", rest @ ..] => self.moodle(rest),
            ["feed", "gap", gap @ ..] => self.feed.gaps.push(read_gap(gap)),
            ["feed", "told", "apart"] => self.separate_collisions(),
            ["feed", label, "again"] => self.feed.value.push(self.labels[*label].clone()),
            ["feed", label, "is", row @ ..] => self.row(label, serde_json::from_str(&row.join(" ")).expect("JSON")),
            ["feed", label, "like", other, "but", changes @ ..] => self.row_like(label, other, changes),
            ["feed", label, state, guid, mail, name, course, changed, more @ ..] => {
                let (first, last) = name.split_once(' ').unwrap_or((name, ""));
                let row = json!({
                    "COURSE_STATE": state, "GUID": guid, "EMAIL": mail, "FIRST_NAME": first, "LAST_NAME": last,
                    "COURSE_IDENTIFIER": course, "COURSE_SHORTNAME": format!("{course}-1"),
                    "COURSE_STATE_DATE": moment(TODAY, changed).to_string(),
                    "date_created": moment(TODAY, changed).to_string(), "ENROLMENT_ID": 555_001,
                });
                self.row(label, with(row, more));
            }
            ["applied", guid, course, state, time, more @ ..] => self.applied(guid, course, state, time, more),
            ["intended", label, kind] => {
                let intended = match *kind {
                    "enrol" => Intended::Enrol(EnrolKind::Enrol),
                    "reactivate" => Intended::Enrol(EnrolKind::Reactivate),
                    "suspend" => Intended::Suspend,
                    other => panic!("intended {other}?"),
                };
                self.world.journal.intended.insert(self.labels[*label].fingerprint, intended);
            }
            ["made", guid, course] => {
                self.world.journal.made.insert((Guid::new(*guid).folded(), ElmCourseId::new(*course)));
            }
            ["known", guid, "is", account] => {
                self.world.journal.accounts.insert(Guid::new(*guid).folded(), MoodleUserId(number(account)));
            }
            ["settled", label] => {
                self.world.journal.settled.insert(self.labels[*label].fingerprint);
            }
            ["unasked", text @ ..] => {
                self.world.unasked.insert(text.join(" "));
            }
            ["outcome", "account", guid, outcome @ ..] => {
                self.fates.insert(format!("account {guid}"), read_fate(outcome));
            }
            ["outcome", label, outcome @ ..] => {
                self.fates.insert((*label).to_owned(), read_fate(outcome));
            }
            ["approval", name] => self.approved_by = Some((*name).to_owned()),
            ["plan", "waits", minutes, "minutes"] => self.world.plan_waits = SignedDuration::from_mins(number(minutes)),
            _ => panic!("not understood"),
        }
    }

    fn separate_collisions(&mut self) {
        separate_collisions(&mut self.feed.value, |_| None);
        for record in &self.feed.value {
            for labelled in self.labels.values_mut().filter(|labelled| labelled.text == record.text) {
                labelled.fingerprint = record.fingerprint;
            }
        }
    }

    fn row(&mut self, label: &str, row: Value) {
        let record = read_record(&row, &FieldNames::default(), &TimeZone::UTC);
        self.rows.insert(label.to_owned(), row);
        self.labels.insert(label.to_owned(), record.clone());
        self.feed.value.push(record);
    }

    fn row_like(&mut self, label: &str, other: &str, changes: &[&str]) {
        let mut row = self.rows[other].clone();
        let changes: Value = serde_json::from_str(&changes.join(" ")).expect("JSON");
        for (field, value) in changes.as_object().expect("a JSON object") {
            // "×2000" stands for so many letters: nobody wants to read them.
            let long = value.as_str().and_then(|text| text.strip_prefix('×')).map(|times| "x".repeat(number(times)));
            row[field] = long.map_or_else(|| value.clone(), Value::String);
        }
        self.row(label, row);
    }

    fn applied(&mut self, guid: &str, course: &str, state: &str, time: &str, more: &[&str]) {
        let at = moment(TODAY, time);
        let row = with(json!({"date_created": at.to_string(), "GUID": guid, "COURSE_IDENTIFIER": course}), more);
        let row = merge(row, json!({"COURSE_STATE": state, "COURSE_STATE_DATE": at.to_string(), "EMAIL": "applied"}));
        let record = read_record(&row, &FieldNames::default(), &TimeZone::UTC);
        self.labels.insert("applied".into(), record.clone());
        let state = AppliedState::of(&record).expect("a good record");
        self.world.journal.applied.entry((Guid::new(guid).folded(), ElmCourseId::new(course))).or_default().push(state);
    }

    fn policy(&mut self, words: &[&str]) {
        let policy = &mut self.world.policy;
        match *words {
            ["role", role] => policy.role = RoleId(number(role)),
            ["auth", auth] => policy.auth = auth.to_owned(),
            ["username", "mail"] => policy.username = UsernameRule::Mail,
            ["username", "guid"] => policy.username = UsernameRule::Guid,
            ["username", "mail_then_guid"] => policy.username = UsernameRule::MailThenGuid,
            ["username_characters", "extended"] => policy.username_characters = UsernameCharacters::Extended,
            ["missing_name", text] => policy.missing_name = Some(text.to_owned()),
            ["enrolment_ids", "ignored"] => policy.enrolments.ids = EnrolmentIds::Ignored,
            ["future_dates", "now"] => policy.enrolments.future = FutureDates::Now,
            ["blocked_accounts", "ask"] => policy.enrolments.blocked_accounts = BlockedAccounts::Ask,
            ["unknown_method", "suspend"] => policy.enrolments.unknown_method = Unproven::Act,
            ["unknown_dates", "ask"] => policy.enrolments.unknown_dates = Unproven::Ask,
            ["duration", days] => {
                policy.enrolments.duration = Some(SignedDuration::from_hours(24 * number::<i64>(days)))
            }
            ["welcome", "not_ours"] => policy.welcome = Welcome::NotOurs,
            ["protect", "account", id] => self.protected.1.push(MoodleUserId(number(id))),
            ["protect", word] => self.protected.0.push(word.to_owned()),
            ["limit", name, value] => {
                let limits = &mut policy.limits;
                match name {
                    "new_accounts" => limits.new_accounts = number(value),
                    "welcome_mails" => limits.welcome_mails = number(value),
                    "suspensions" => limits.suspensions = number(value),
                    "suspensions_share" => limits.suspensions_share = number(value),
                    "exempt_under" => limits.exempt_under = number(value),
                    "doubtful_share" => limits.doubtful_share = number(value),
                    "doubtful_exempt_under" => limits.doubtful_exempt_under = number(value),
                    other => panic!("no limit {other}"),
                }
            }
            _ => panic!("no such policy"),
        }
        let (texts, accounts) = &self.protected;
        policy.protected = Protected::new(texts.iter().map(String::as_str), accounts.iter().copied());
    }

    fn moodle(&mut self, words: &[&str]) {
        let moodle = &mut self.world.moodle;
        match words {
            ["course", id, elm_id, name, more @ ..] => {
                let id = MoodleCourseId(number(id));
                let manual =
                    if more.contains(&"without_manual") { ManualInstance::Missing } else { ManualInstance::Usable };
                let default_role = after(more, "role").map(|role| RoleId(number(role)));
                let active = after(more, "active").map(number);
                let (elm_id, full_name) = (ElmCourseId::new(*elm_id), (*name).to_owned());
                let methods = after(more, "methods").map(|list| list.split(',').map(str::to_owned).collect());
                let duration = after(more, "days").map(|days| number::<i64>(days) * 86_400);
                let course = Course { id, elm_id, full_name, manual, default_role, active, methods, duration };
                moodle.courses.insert(id, course);
            }
            ["account", id, guid, mail, more @ ..] => {
                let id = MoodleUserId(number(id));
                let account = Account {
                    id,
                    username: after(more, "username").map_or_else(|| mail.to_lowercase(), str::to_owned),
                    mail: (*mail).to_owned(),
                    guid: if *guid == "-" { String::new() } else { (*guid).to_owned() },
                    first_name: "First".into(),
                    last_name: "Last".into(),
                    suspended: more.contains(&"suspended"),
                    confirmed: !more.contains(&"unconfirmed"),
                    auth: after(more, "auth").unwrap_or("manual").to_owned(),
                };
                moodle.accounts.insert(id, account);
            }
            ["enrolment", user, "in", course, state, more @ ..] => {
                let pair = (MoodleUserId(number(user)), MoodleCourseId(number(course)));
                let state = serde_json::from_value::<Enrolment>(json!(state)).expect("a state");
                moodle.enrolments.insert(pair, participation(state, more));
                if *more == ["by", "another", "method"] {
                    moodle.active_otherwise.insert(pair);
                }
            }
            _ => panic!("Moodle has no such thing"),
        }
    }
}

/// `roles 3,5`, and each enrolment as the database tells it: `manual`, `cohort suspended`, `manual from TIME until TIME`.
fn participation(state: Enrolment, words: &[&str]) -> Participation {
    let mut there = Participation::from(state);
    let roles = after(words, "roles");
    there.roles = roles.map(|list| list.split(',').map(|role| RoleId(number(role))).collect());
    let mut enrolments: Vec<UserEnrolment> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let second = || moment(TODAY, words[index + 1]).as_second();
        match (*word, enrolments.last_mut()) {
            ("manual" | "cohort" | "self", _) => {
                enrolments.push(UserEnrolment { method: (*word).to_owned(), enabled: true, start: 0, end: 0 });
            }
            ("suspended", Some(last)) => last.enabled = false,
            ("from", Some(last)) => last.start = second(),
            ("until", Some(last)) => last.end = second(),
            _ => {}
        }
    }
    there.enrolments = Some(enrolments).filter(|enrolments| !enrolments.is_empty());
    there
}

/// `written TIME`, `enrolment ID`, `class CODE`, `number N` after a feed record.
fn with(mut row: Value, more: &[&str]) -> Value {
    for pair in more.chunks_exact(2) {
        match pair {
            ["written", time] => row["date_created"] = json!(moment(TODAY, time).to_string()),
            ["enrolment", id] => row["ENROLMENT_ID"] = json!(id),
            ["class", code] => row["COURSE_SHORTNAME"] = json!(code),
            ["number", number] => row["record_enrol_id"] = json!(number),
            other => panic!("{other:?} is not understood"),
        }
    }
    row
}

fn merge(mut row: Value, more: Value) -> Value {
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

fn read_gap(words: &[&str]) -> Gap {
    match words {
        ["page_repeated"] => Gap::PageRepeated,
        ["count", said, read] => Gap::CountDisagrees { said: number(said), read: number(read) },
        ["pages", limit] => Gap::PagesLimit { limit: number(limit) },
        ["rows", limit] => Gap::RowsLimit { limit: number(limit) },
        ["narrowed"] => Gap::Narrowed,
        ["withheld", what] => Gap::Withheld { what: (*what).to_owned() },
        _ => panic!("no such gap"),
    }
}

fn read_fate(words: &[&str]) -> Fate {
    Fate::Answers(match words {
        ["already_so"] => Outcome::AlreadySo,
        ["refused", code] => Outcome::Refused { code: (*code).to_owned() },
        ["unknown"] => Outcome::Unknown,
        ["unknown", "but", "done"] => return Fate::DoneWithoutAnswer,
        ["not_tried", why] => Outcome::NotTried { why: (*why).to_owned() },
        _ => panic!("no such outcome"),
    })
}

/// The word after another one.
fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == key).map(|index| words[index + 1])
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().unwrap_or_else(|| panic!("{text} is no number"))
}

/// `09:00` of today, or `2026-11-22T09:00`; UTC.
fn moment(today: Date, text: &str) -> Timestamp {
    let local = if text.contains('T') { text.to_owned() } else { format!("{today}T{text}") };
    let local: DateTime = local.parse().unwrap_or_else(|_| panic!("{text} is no time"));
    TimeZone::UTC.to_timestamp(local).expect("a time of this age")
}

/// Splits at spaces; a text in double quotes is one word. JSON after `is` and `but` stays as it is.
fn split(line: &str) -> Vec<String> {
    let json =
        [" is ", " but {"].iter().find_map(|word| line.find(word).map(|at| at + word.trim_end_matches('{').len()));
    let (line, json) = json.map_or((line, None), |at| (&line[..at], Some(&line[at..])));
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.extend(json.map(str::to_owned));
    words
}
