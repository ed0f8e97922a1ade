//! Site-wide settings and the state of the whole installation.

use std::collections::BTreeSet;

/// Which Moodle the stand-in plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 4.4dev (2023112400).
    V4_4,
    /// 4.5.6: prefixed exception classes, welcome messages, stricter enrolment of inactive accounts.
    V4_5,
    /// 5.0: `invalidrecordunknown` while debugging is off; enrolment does not look at the account first.
    V5_0,
    /// 5.1: values of custom fields belong to a component, an area and an item.
    V5_1,
    /// 5.2: a site secret and more in answers; no `roleid` when unenrolling.
    V5_2,
}

impl Release {
    /// `version` and `release` as site information gives them.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Release::V4_4 => ("2023112400", "4.4dev (Build: 20231124)"),
            Release::V4_5 => ("2024100706", "4.5.6 (Build: 20250811)"),
            Release::V5_0 => ("2025041400", "5.0 (Build: 20250414)"),
            Release::V5_1 => ("2025100600", "5.1 (Build: 20251006)"),
            Release::V5_2 => ("2026042000", "5.2 (Build: 20260420)"),
        }
    }
}

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collation {
    /// MariaDB, utf8mb4_unicode_ci: case, accents and trailing spaces do not count.
    UnicodeCi,
    /// PostgreSQL: byte for byte.
    Exact,
}

/// Maintenance modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// None.
    Off,
    /// Switched on from the command line: 503 for everybody.
    Cli,
    /// Switched on in the pages: `sitemaintenance` for all but administrators.
    Pages,
}

/// Site-wide settings.
#[derive(Clone, Debug)]
pub struct Site {
    /// The configured root; calls under another host name are redirected. Empty: set when the sandbox starts.
    pub wwwroot: String,
    /// The site's name.
    pub name: String,
    /// Which Moodle this is.
    pub release: Release,
    /// How text is compared.
    pub collation: Collation,
    /// 0 (production), 5, 15 or 32767; `debuginfo` appears from 15 on.
    pub debug: u32,
    /// With `debug` 32767 the message carries the debug text as well.
    pub debug_display: bool,
    /// PHP's `max_input_vars`; one more than this gets through.
    pub max_input_vars: usize,
    /// Bytes; a longer body loses all its variables.
    pub post_max: usize,
    /// Bytes; the web server answers a longer body with 413.
    pub body_max: usize,
    /// Web services and the REST protocol are switched on.
    pub rest_enabled: bool,
    /// Maintenance mode.
    pub maintenance: Maintenance,
    /// An upgrade is running.
    pub upgrading: bool,
    /// Bytes that a broken plugin prints before every answer.
    pub output_prefix: Vec<u8>,
    /// `allowaccountssameemail`.
    pub same_email_allowed: bool,
    /// `extendedusernamechars`.
    pub extended_username_chars: bool,
    /// `showuseridentity`: without `email` in it nobody's address shows.
    pub show_user_identity: BTreeSet<String>,
    /// `hiddenuserfields`: only `suspended` matters here.
    pub hidden_user_fields: BTreeSet<String>,
    /// `enablecompletion`: the whole site tracks completion.
    pub tracks_completion: bool,
    /// A site policy stands: accounts that have not agreed to it get `sitepolicynotagreed`, administrators excepted.
    pub policy: bool,
    /// The OAuth2 issuer maps `sub` to `idnumber`, which each login overwrites unless the field is locked.
    pub login_sets_idnumber: bool,
    /// `auth_oauth2/field_lock_idnumber`.
    pub idnumber_locked: bool,
    /// The server cannot send mail: a call that wants to welcome somebody answers with this errorcode, and what it
    /// did before stands.
    pub welcome_error: Option<String>,
    /// Lists of participants and of courses round the time to 100 seconds, as Moodle does to spare its database.
    pub rounds_time: bool,
    /// Site administrators.
    pub admins: BTreeSet<i64>,
    /// Length of the window in which parallel calls do not see each other, in milliseconds; 0 serialises them.
    pub race_window_ms: u64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            wwwroot: String::new(),
            name: "Sandbox Learning".to_owned(),
            release: Release::V4_4,
            collation: Collation::UnicodeCi,
            debug: 0,
            debug_display: false,
            max_input_vars: 5000,
            post_max: 8 * 1024 * 1024,
            body_max: 64 * 1024 * 1024,
            rest_enabled: true,
            maintenance: Maintenance::Off,
            upgrading: false,
            output_prefix: Vec::new(),
            same_email_allowed: false,
            extended_username_chars: false,
            show_user_identity: BTreeSet::from(["email".to_owned()]),
            hidden_user_fields: BTreeSet::new(),
            tracks_completion: true,
            policy: false,
            login_sets_idnumber: false,
            idnumber_locked: false,
            welcome_error: None,
            rounds_time: true,
            admins: BTreeSet::new(),
            race_window_ms: 0,
        }
    }
}
