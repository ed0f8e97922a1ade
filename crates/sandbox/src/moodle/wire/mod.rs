//! How Moodle's REST layer reads a request and writes an answer, PHP's habits included.

mod answer;
pub(crate) mod exception;
pub(crate) mod params;
pub(crate) mod schema;

pub(crate) use answer::{escape, php_json, xml_result};
pub(crate) use exception::Exception;
pub(crate) use params::{Fields, Param};
pub(crate) use schema::{Rules, valid_username, validate};
