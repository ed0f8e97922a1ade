//! The rules of completions: from when they count, in which words they are told, and how patiently.

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The rules of one completions link.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionsPolicy {
    /// The zone of the day of completion.
    pub zone: TimeZone,
    /// Completions of earlier days are not reported; `None`: those from the moment of opting in are.
    pub report_from: Option<Date>,
    pub words: ReportTemplate,
    /// How often and how patiently.
    pub delivery: DeliveryRules,
    /// How much one run may do before a person must approve it.
    pub limits: CompletionLimits,
}

/// How much one run of completions may do before a person must approve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionLimits {
    /// Reports queued in one run: history read as news.
    pub reports: u64,
    /// A plan older than this is not applied.
    pub plan_age: SignedDuration,
}

impl Default for CompletionLimits {
    fn default() -> Self {
        Self { reports: 20_000, plan_age: SignedDuration::from_mins(10) }
    }
}

/// What the body of a report calls things, and what it says of every completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTemplate {
    /// The names, in the order in which they are written.
    pub fields: ReportFields,
    /// `Complete`
    pub course_state: String,
    /// `Active`
    pub user_state: String,
    /// A day that the ELM wants and does not use.
    pub user_effective_date: Date,
}

/// What the body calls each field, in the order in which it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFields {
    pub complete_date: String,
    pub course_state: String,
    pub enrolment_id: String,
    pub user_state: String,
    pub user_effective_date: String,
    pub course: String,
    pub short_name: String,
    pub mail: String,
    pub guid: String,
    pub first_name: String,
    pub last_name: String,
}

impl Default for ReportTemplate {
    /// What the original plugin sends.
    fn default() -> Self {
        let name = |text: &str| text.to_owned();
        Self {
            fields: ReportFields {
                complete_date: name("COURSE_COMPLETE_DATE"),
                course_state: name("COURSE_STATE"),
                enrolment_id: name("ENROLMENT_ID"),
                user_state: name("USER_STATE"),
                user_effective_date: name("USER_EFFECTIVE_DATE"),
                course: name("COURSE_IDENTIFIER"),
                short_name: name("COURSE_SHORTNAME"),
                mail: name("EMAIL"),
                guid: name("GUID"),
                first_name: name("FIRST_NAME"),
                last_name: name("LAST_NAME"),
            },
            course_state: name("Complete"),
            user_state: name("Active"),
            user_effective_date: jiff::civil::date(2017, 2, 14),
        }
    }
}

/// Where the body of an answer says what became of a report, and in which words. Case does not count, neither of names nor
/// of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRules {
    /// Where the word stands: names joined by dots, in the body or in each element of its list.
    pub status: Vec<String>,
    /// The words that mean accepted; where there are none, every word that is not refused.
    pub accepted: Vec<String>,
    /// The words that mean refused.
    pub refused: Vec<String>,
    /// Where the message stands.
    pub message: Vec<String>,
}

impl Default for ReceiptRules {
    /// Safe: a body that says ERROR is a refusal, whatever its status.
    fn default() -> Self {
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            status: all(&["status", "result", "outcome", "success"]),
            accepted: Vec::new(),
            refused: all(&["error", "failed", "fail", "failure", "rejected", "refused", "invalid", "false"]),
            message: all(&["message", "errorMessage", "error.message", "error", "reason", "detail"]),
        }
    }
}

/// How a report that was not accepted is tried again, and how an ELM in trouble is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryRules {
    /// The first wait; each further one is twice as long.
    pub first: SignedDuration,
    /// No wait of our own choosing is longer; the ELM may ask for more.
    pub longest: SignedDuration,
    /// After so long without success a human is told; the trying goes on.
    pub attention_after: SignedDuration,
    /// So many failures in a row, of different reports, mean that the ELM itself is in trouble.
    pub failures_max: u32,
}

impl Default for DeliveryRules {
    fn default() -> Self {
        Self {
            first: SignedDuration::from_mins(1),
            longest: SignedDuration::from_hours(6),
            attention_after: SignedDuration::from_hours(48),
            failures_max: 3,
        }
    }
}
