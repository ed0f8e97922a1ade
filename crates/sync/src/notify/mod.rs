//! What people hear of: the learner's welcome, and the operators' notices.
//!
//! Whether something is trouble is judged in `rollbook_core::notice`; here it is looked up, told and sent. A notice is a row
//! of the journal before it leaves, and each of its ways (an address, the webhook) a row of the outbox, tried until it is
//! taken. Next: `troubles` and `silence` (what is wrong now), `judge` (what of that is told), `deliver` (how it leaves), `heartbeat`.

mod alerts;
mod deliver;
mod heartbeat;
mod judge;
mod silence;
pub mod welcome;

pub use deliver::{NoticeDelivery, deliver_notices};
pub use heartbeat::Heart;
pub use judge::{judge_all, judge_link};
