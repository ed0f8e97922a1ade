//! Parts that several pages show: a record, an event, a plan, a request, evidence.

pub mod event;
pub mod evidence;
pub mod feed_card;
pub mod moodle;
pub mod plan;
pub mod record;
pub mod request;
