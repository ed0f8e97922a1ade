//! `kind = "elm"`: the HR learning system's feed, and where its completions go.
//!
//! The names of the feed's fields are the remote's; whatever a feed calls them is said here and nowhere else. Dialects,
//! literals and styles of dates are words here; the crate `elm` has what they mean.

use super::address;
use crate::kind::{Choice, Count, Day, DurationIn, FeedUrl, Flag, Header, HttpUrl, Kind, List, Name, Share, Text};
use crate::section::Section;
use jiff::tz::TimeZone;
use reqwest::Url;
use rollbook_core::model::{Field, FieldNames, SiteName, StateWords, normal};
use rollbook_core::policy::{ReceiptRules, ReportFields, ReportTemplate};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::time::Duration;

/// An ELM.
#[derive(Clone, Debug)]
pub struct Elm {
    /// As on the command line.
    pub name: SiteName,
    /// The collection of enrolment records, or a folder (`file://`).
    pub feed_url: Url,
    /// The feed's dialect, one of [`DIALECTS`].
    pub dialect: &'static str,
    /// Who Rollbook is there.
    pub auth: ElmAuth,
    /// The zone of the feed's times without offset, and of the times in a query.
    pub timezone: TimeZone,
    /// How a time is written in a query, one of [`LITERALS`].
    pub literal: &'static str,
    /// How dates of figures and strokes are read, one of [`DATES`].
    pub dates: &'static str,
    /// What the bytes are where no header says it.
    pub charset: Option<String>,
    /// Rows to ask for at once, of a feed that links no pages.
    pub page_size: Option<u32>,
    /// At most so many pages are followed in one reading, 1 to 100000.
    pub pages_max: u32,
    /// At most so many rows are taken in one reading, 1 to 10 million.
    pub rows_max: u32,
    /// Whether to ask the feed how many rows there are (`$count=true`), and to compare.
    pub count: bool,
    /// The share of unusable records, 0 to 1, above which a reading fails as a whole.
    pub unusable_share: f64,
    /// The time one page may take.
    pub timeout: Duration,
    /// What the feed calls things.
    pub fields: FieldNames,
    /// What the feed calls states.
    pub states: StateWords,
    /// Where completions go; `None` when no completions are reported.
    pub completion: Option<CompletionTarget>,
}

/// Who Rollbook is at an ELM.
#[derive(Clone, Debug)]
pub enum ElmAuth {
    /// A token in a header.
    Header {
        /// The header.
        name: String,
        /// The token.
        token: SecretString,
    },
    /// A user with a password.
    Basic {
        /// The user.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// Client credentials.
    OAuth2 {
        /// Where tokens are issued.
        token_url: Url,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// The scope that is asked for, if any.
        scope: Option<String>,
    },
    /// Nobody.
    Open,
}

/// The dialects.
pub const DIALECTS: [&str; 4] = ["odata-v4", "odata-v2", "csv", "json"];
/// The ways to write a time in a query.
pub const LITERALS: [&str; 9] = [
    "quoted-local",
    "date-time-offset",
    "datetime",
    "datetime-local",
    "datetimeoffset",
    "epoch-seconds",
    "epoch-milliseconds",
    "date",
    "us",
];
/// The styles of dates.
pub const DATES: [&str; 3] = ["iso", "us", "european"];

/// One of a few words.
struct Word(&'static [&'static str]);

impl Kind for Word {
    type Out = &'static str;

    fn expects(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| format!("\"{word}\"")).collect();
        format!("one of {}", words.join(", "))
    }

    fn read(&self, value: &crate::tree::Value) -> Result<&'static str, String> {
        let text = Text(40).read(value)?;
        self.0.iter().find(|word| **word == text).copied().ok_or_else(|| "this is none of the choices".to_owned())
    }
}

/// Where completions go.
#[derive(Clone, Debug)]
pub struct CompletionTarget {
    /// Each completion is POSTed here.
    pub url: Url,
    /// What the feed's header carries here; who Rollbook is at the feed counts when `None`.
    pub token: Option<SecretString>,
    /// The collection in which a sent completion can be found again after an answer was lost.
    pub lookup_url: Option<Url>,
    /// The header that carries the same key each time one completion is sent.
    pub idempotency_header: String,
    /// The time one call may take.
    pub timeout: Duration,
    /// What the body calls things, and what it says of every completion.
    pub words: ReportTemplate,
    /// What the answers mean.
    pub receipts: ReceiptRules,
}

pub(super) fn read(name: SiteName, zone: &TimeZone, section: &mut Section<'_>) -> Option<Elm> {
    let feed_url = feed_url(section);
    let dialect = section.or("dialect", "odata-v4", Word(&DIALECTS));
    let is_folder = feed_url.as_ref().is_some_and(|url| url.scheme() == "file");
    let auth = auth(section, is_folder);
    let timezone = section.zone_or(zone);
    let literal = match dialect {
        "odata-v2" => section.or("literal", "datetime", Word(&LITERALS)),
        _ => section.or("literal", "quoted-local", Word(&LITERALS)),
    };
    let dates = section.or("dates", "iso", Word(&DATES));
    let charset = section.optional("charset", Text(40));
    let page_size = section.optional("page_size", Count(1, 100_000));
    let pages_max = section.or("pages_max", 1_000, Count(1, 100_000));
    let rows_max = section.or("rows_max", 1_000_000, Count(1, 10_000_000));
    let count = section.or("count", false, Flag);
    let unusable_share = section.or("unusable_share", 0.5, Share);
    let timeout = section.or("timeout", "60s", DurationIn("1s", "10m"));
    let fields = section.defaults("fields", fields);
    let states = section.defaults("states", states);
    let completion = section.table("completion", completion);
    Some(Elm {
        name,
        feed_url: feed_url?,
        dialect,
        auth: auth?,
        timezone,
        literal,
        dates,
        charset,
        page_size,
        pages_max,
        rows_max,
        count,
        unusable_share,
        timeout,
        fields,
        states,
        completion,
    })
}

/// A folder needs no secret; an address is warned about like every other that gets one.
fn feed_url(section: &mut Section<'_>) -> Option<Url> {
    let is_folder = section.text_of("feed_url").is_some_and(|text| text.starts_with("file:"));
    if is_folder { section.required("feed_url", FeedUrl) } else { address("feed_url", section) }
}

/// `[auth]`, or the keys `token` and `header` of the site.
fn auth(section: &mut Section<'_>, is_folder: bool) -> Option<ElmAuth> {
    #[derive(Clone)]
    enum AuthKind {
        Basic,
        OAuth2,
        Open,
    }
    let kinds = Choice(&[("basic", AuthKind::Basic), ("oauth2", AuthKind::OAuth2), ("none", AuthKind::Open)]);
    let name = section.or("header", "x-cdata-authtoken", Header);
    if section.has("auth") {
        // Whoever has both says it by [auth].
        section.optional_secret("token");
        return section.table("auth", |section| match section.required("kind", kinds) {
            Some(AuthKind::Basic) => {
                let (user, password) = (section.required("user", Text(200)), section.secret("password"));
                Some(ElmAuth::Basic { user: user?, password: password? })
            }
            Some(AuthKind::OAuth2) => {
                let token_url = address("token_url", section);
                let client_id = section.required("client_id", Text(200));
                let client_secret = section.secret("client_secret");
                let scope = section.optional("scope", Text(200));
                Some(ElmAuth::OAuth2 {
                    token_url: token_url?,
                    client_id: client_id?,
                    client_secret: client_secret?,
                    scope,
                })
            }
            Some(AuthKind::Open) => Some(ElmAuth::Open),
            None => {
                section.ignore_rest();
                None
            }
        });
    }
    if is_folder && !section.has("token") {
        return Some(ElmAuth::Open);
    }
    section.secret("token").map(|token| ElmAuth::Header { name, token })
}

fn states(section: &mut Section<'_>) -> StateWords {
    let place = section.header.clone();
    let mut words = |key: &str, default: Option<&str>| {
        let found = match default {
            Some(default) => section.or(key, [default], List(Text(60), 50)),
            None => section.or(key, [], List(Text(60), 50)),
        };
        found.iter().map(|word| normal(word).into_owned()).collect::<Vec<String>>()
    };
    let states = StateWords {
        enrol: words("enrol", Some("Enrol")),
        suspend: words("suspend", Some("Suspend")),
        not_yet: words("not_yet", None),
        ignore: words("ignore", None),
    };
    let mut seen = BTreeSet::new();
    let all = [&states.enrol, &states.suspend, &states.not_yet, &states.ignore];
    if let Some(twice) = all.into_iter().flatten().find(|word| !seen.insert(word.to_lowercase())) {
        let message = format!("the word `{twice}` has two meanings in [{}]", section.path);
        section.problem(message, place, "here", Some("name it under one key only; case does not count".to_owned()));
    }
    states
}

fn fields(section: &mut Section<'_>) -> FieldNames {
    Field::KEYS.into_iter().fold(FieldNames::default(), |names, (key, field)| {
        match section.or(key, field.elm_name(), Name(64)) {
            name if name.is_empty() => names,
            name => names.with(field, name),
        }
    })
}

fn completion(section: &mut Section<'_>) -> Option<CompletionTarget> {
    let url = address("url", section);
    let token = section.optional_secret("token");
    let lookup_url = section.optional("lookup_url", HttpUrl);
    let idempotency_header = section.or("idempotency_header", "idempotency-key", Header);
    let timeout = section.or("timeout", "30s", DurationIn("1s", "10m"));
    let fields = section.defaults("fields", report_fields);
    let words = section.defaults("constants", |section| ReportTemplate {
        course_state: section.or("course_state", "Complete", Text(40)),
        user_state: section.or("user_state", "Active", Text(40)),
        user_effective_date: section.or("user_effective_date", "2017-02-14", Day),
        fields,
    });
    let receipts = section.defaults("receipt", receipts);
    Some(CompletionTarget { url: url?, token, lookup_url, idempotency_header, timeout, words, receipts })
}

fn receipts(section: &mut Section<'_>) -> ReceiptRules {
    ReceiptRules {
        status: section.or("status", ["status", "result", "outcome", "success"], List(Text(100), 20)),
        accepted: section.or("accepted", [], List(Text(100), 50)),
        refused: section.or(
            "refused",
            ["error", "failed", "fail", "failure", "rejected", "refused", "invalid", "false"],
            List(Text(100), 50),
        ),
        message: section.or(
            "message",
            ["message", "errorMessage", "error.message", "error", "reason", "detail"],
            List(Text(100), 20),
        ),
    }
}

fn report_fields(section: &mut Section<'_>) -> ReportFields {
    let mut field = |key: &str, default: &str| section.or(key, default, Name(64));
    ReportFields {
        complete_date: field("complete_date", "COURSE_COMPLETE_DATE"),
        course_state: field("course_state", "COURSE_STATE"),
        enrolment_id: field("enrolment_id", "ENROLMENT_ID"),
        user_state: field("user_state", "USER_STATE"),
        user_effective_date: field("user_effective_date", "USER_EFFECTIVE_DATE"),
        course: field("course", "COURSE_IDENTIFIER"),
        short_name: field("short_name", "COURSE_SHORTNAME"),
        mail: field("mail", "EMAIL"),
        guid: field("guid", "GUID"),
        first_name: field("first_name", "FIRST_NAME"),
        last_name: field("last_name", "LAST_NAME"),
    }
}
