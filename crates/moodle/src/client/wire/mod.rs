//! Moodle's answers, in Moodle's own names and spelling.
//!
//! It must never invent a value: a field that Moodle left out is `None`, which is not the same as empty — the account
//! may merely not be allowed to see it. Unknown fields are ignored. `Debug` shows ids, never people.
//! Next: `people.rs`, `courses.rs`, `cohorts.rs`; [`super::read`] for what asks.

mod cohorts;
mod courses;
mod people;

pub(super) use cohorts::WireCohortList;
pub use cohorts::{WireCohort, WireCohortMembers};
pub use courses::{WireCompletion, WireCourse, WireCriterion, WireCustomField, WireUserCourse};
pub(super) use courses::{WireCompletionAnswer, WireCourses};
pub use people::{WireRole, WireUser};

use rollbook_core::model::MoodleUserId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `core_webservice_get_site_info`
#[derive(Clone, Debug, Deserialize)]
pub struct WireSiteInfo {
    /// The site's own address; compare with the configured one.
    pub siteurl: String,
    /// The site's name.
    #[serde(default)]
    pub sitename: String,
    /// The token's account.
    pub userid: MoodleUserId,
    /// The token's account by name.
    #[serde(default)]
    pub username: String,
    /// Such as `4.4dev (Build: 20231124)`.
    #[serde(default)]
    pub release: String,
    /// Such as `2023112400`; see [`WireSiteInfo::version_number`].
    #[serde(default)]
    pub version: String,
    /// What the token's service offers and the site has.
    #[serde(default)]
    pub functions: Vec<WireFunction>,
    /// Whether the token's account is a site administrator; least privilege asks for no.
    #[serde(default, deserialize_with = "flag")]
    pub userissiteadmin: Option<bool>,
    /// What the whole site has switched on or off.
    #[serde(default)]
    pub advancedfeatures: Vec<WireFeature>,
}

/// One entry of [`WireSiteInfo::advancedfeatures`].
#[derive(Clone, Debug, Deserialize)]
pub struct WireFeature {
    /// Its name, such as `enablecompletion`.
    #[serde(default)]
    pub name: String,
    /// Whether it is on.
    #[serde(default, deserialize_with = "flag")]
    pub value: Option<bool>,
}

/// One entry of [`WireSiteInfo::functions`].
#[derive(Clone, Debug, Deserialize)]
pub struct WireFunction {
    /// Its name.
    pub name: String,
}

impl WireSiteInfo {
    /// Whether the token may call `function`: it is in the service, and the site has it.
    pub fn offers(&self, function: super::Function) -> bool {
        self.functions.iter().any(|entry| entry.name == function.name())
    }

    /// Whether the site tracks completion at all; nothing where it does not say.
    pub fn tracks_completion(&self) -> Option<bool> {
        self.advancedfeatures.iter().find(|feature| feature.name == "enablecompletion")?.value
    }

    /// The digits before the dot of `version`, such as 2023112400 (Moodle 4.4); 0 when unreadable.
    pub fn version_number(&self) -> u64 {
        self.version.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// A new account, course or the like: what create functions answer, in request order.
#[derive(Clone, PartialEq, Deserialize)]
pub(super) struct WireCreated {
    pub(super) id: i64,
    #[serde(default, alias = "shortname")]
    pub(super) username: String,
}

/// `{warnings}`; `null` from Moodle 3.11.
#[derive(Default, Deserialize)]
pub(super) struct WireWarnings {
    pub(super) warnings: Vec<WireWarning>,
}

/// What a function did not do, while it did the rest.
#[derive(Clone, PartialEq, Deserialize)]
pub(super) struct WireWarning {
    #[serde(default)]
    pub(super) itemid: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    pub(super) warningcode: String,
    #[serde(default)]
    pub(super) message: String,
}

/// A flag that Moodle gives as a boolean, a number or a text, depending on function and version.
fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Bool(on) => Some(on),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) if !text.is_empty() => Some(text != "0"),
        _ => None,
    })
}

/// A code that may come as a number.
fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}
