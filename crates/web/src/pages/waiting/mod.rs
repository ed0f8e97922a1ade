//! What waits: attention items and plans for a person's word, requests for the process.
//!
//! Next: `attention`, `plans`, `requests`.

mod attention;
mod evidence;
mod plans;
mod requests;

pub(super) use attention::{decide_item, show_attention, show_item};
pub(super) use plans::{judge_plan, show_plan, show_plans};
pub(super) use requests::{RequestStatus, show_request, standing};
