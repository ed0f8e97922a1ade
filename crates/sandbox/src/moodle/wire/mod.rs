//! How Moodle's REST layer reads a request and writes an answer, PHP's habits included.

mod answer;
mod multipart;
pub(crate) mod params;
pub(crate) mod refusal;
pub(crate) mod schema;
mod validate;

pub(crate) use answer::{escape, php_json, xml_result};
pub(crate) use params::{Fields, Param};
pub(crate) use refusal::Refusal;
pub(crate) use validate::{Rules, valid_username, validate};
