//! What becomes of a report on its way to the ELM: sent until it is accepted, counted once, never lost.
//!
//! [`step`] is the state machine of one report, [`Circuit`] that of the ELM as a whole. Both are pure: the time and the
//! jitter's draw come in as values.

mod answer;
mod back_off;
mod circuit;
mod report;

pub use answer::{Answer, LookUp};
pub use back_off::{Draw, back_off};
pub use circuit::{Circuit, Pass};
pub use report::{Delivery, DeliveryState, IllegalMove, Move, step};
