//! What people hear of: the learner's welcome. It renders and queues; it must never decide who hears what.
//! Sending is the outbox's work, in [`crate::pipeline`].

pub mod welcome;
