//! Moodle's exceptions and the envelope in which they travel, inside a 200.

use serde_json::{Map, Value};

use crate::moodle::{Release, Site};

/// The PHP class behind an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Moodle,
    InvalidParameter,
    InvalidResponse,
    Coding,
    RequiredCapability,
    RequireLogin,
    Access,
    MissingRecord,
    Write,
    PhpError,
    PhpTypeError,
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    class: Class,
    code: Option<String>,
    message: String,
    debug: Option<String>,
    /// Moodle 4.4 stumbles over its own error text when debugging is on: an empty HTTP 500.
    pub(crate) empty_while_debugging: bool,
    /// What was done before stays done.
    pub(crate) keeps_changes: bool,
}

impl Exception {
    fn new(class: Class, code: &str, message: impl Into<String>) -> Self {
        Self {
            class,
            code: Some(code.to_owned()),
            message: message.into(),
            debug: None,
            empty_while_debugging: false,
            keeps_changes: false,
        }
    }

    fn because(mut self, debug: impl Into<String>) -> Self {
        self.debug = Some(debug.into());
        self
    }

    pub(crate) fn parameter(debug: impl Into<String>) -> Self {
        let message = "Invalid parameter value detected";
        Self::new(Class::InvalidParameter, "invalidparameter", message).because(debug)
    }

    pub(crate) fn response(debug: impl Into<String>) -> Self {
        let message = "Invalid response value detected";
        Self::new(Class::InvalidResponse, "invalidresponse", message).because(debug)
    }

    pub(crate) fn coding(debug: impl Into<String>) -> Self {
        let debug = debug.into();
        let message = format!("Coding error detected, it must be fixed by a programmer: {debug}");
        Self::new(Class::Coding, "codingerror", message).because(debug)
    }

    /// A `moodle_exception` with its own code.
    pub(crate) fn moodle(code: &str, message: impl Into<String>) -> Self {
        Self::new(Class::Moodle, code, message)
    }

    pub(crate) fn access(debug: impl Into<String>) -> Self {
        let message = "Access control exception";
        Self::new(Class::Access, "accessexception", message).because(debug)
    }

    pub(crate) fn permission(capability: &str) -> Self {
        let message = format!("Sorry, but you do not currently have permissions to do that ({capability}).");
        Self::new(Class::RequiredCapability, "nopermissions", message)
    }

    pub(crate) fn login(debug: impl Into<String>) -> Self {
        let message = "Course or activity not accessible. (Not enrolled)";
        Self::new(Class::RequireLogin, "requireloginerror", message).because(debug)
    }

    pub(crate) fn missing(code: &str, debug: impl Into<String>) -> Self {
        let message = match code {
            "invaliduser" => "Invalid user",
            _ => "Can't find data record in database.",
        };
        Self::new(Class::MissingRecord, code, message).because(debug)
    }

    pub(crate) fn write(debug: impl Into<String>) -> Self {
        let message = "Error writing to database";
        Self::new(Class::Write, "dmlwriteexception", message).because(debug)
    }

    /// A PHP `Error`: it has no code.
    pub(crate) fn php(message: &str) -> Self {
        let mut exception = Self::new(Class::PhpError, "", message);
        exception.code = None;
        exception
    }

    /// A PHP `TypeError`, likewise without a code.
    pub(crate) fn php_type(message: &str) -> Self {
        Self { class: Class::PhpTypeError, ..Self::php(message) }
    }

    /// No enabled manual instance: 4.4 cannot even word this one.
    pub(crate) fn no_instance(course: i64, release: Release) -> Self {
        let id = match release {
            Release::V4_4 => "{$a->courseid}".to_owned(),
            _ => course.to_string(),
        };
        let message =
            format!("Manual enrolment plugin instance doesn't exist or is disabled for the course (id = {id})");
        let mut exception = Self::moodle("wsnoinstance", message);
        exception.empty_while_debugging = release == Release::V4_4;
        exception
    }

    pub(crate) fn debug_text(&self) -> Option<&str> {
        self.debug.as_deref()
    }

    /// The envelope as this site's version and debug level write it.
    pub(crate) fn envelope(&self, site: &Site) -> Value {
        let mut envelope = Map::new();
        envelope.insert("exception".into(), class_name(self.class, site.release).into());
        let hidden = self.class == Class::MissingRecord && site.release >= Release::V5_0 && site.debug < 15;
        if let Some(code) = &self.code {
            let code = if hidden { "invalidrecordunknown" } else { code };
            envelope.insert("errorcode".into(), code.into());
        }
        let unknown = "Can not find data record in database.";
        let mut message = if hidden { unknown.to_owned() } else { self.message.clone() };
        if let Some(debug) = &self.debug
            && site.debug_display
            && site.debug >= 32767
        {
            message = format!("{message} ({debug})");
        }
        envelope.insert("message".into(), message.into());
        if site.debug >= 15
            && let Some(debug) = &self.debug
        {
            envelope.insert("debuginfo".into(), debug.clone().into());
        }
        Value::Object(envelope)
    }
}

fn class_name(class: Class, release: Release) -> String {
    let name = match class {
        Class::Moodle => "moodle_exception",
        Class::InvalidParameter => "invalid_parameter_exception",
        Class::InvalidResponse => "invalid_response_exception",
        Class::Coding => "coding_exception",
        Class::RequiredCapability => "required_capability_exception",
        Class::RequireLogin => "require_login_exception",
        Class::Access => return "webservice_access_exception".to_owned(),
        Class::MissingRecord => return "dml_missing_record_exception".to_owned(),
        Class::Write => return "dml_write_exception".to_owned(),
        Class::PhpError => return "Error".to_owned(),
        Class::PhpTypeError => return "TypeError".to_owned(),
    };
    match release {
        Release::V4_4 => name.to_owned(),
        _ => format!("core\\exception\\{name}"),
    }
}
