//! The engine and its flows, the doctor, the scheduler and the notices.

pub mod engine;
pub mod flows;
pub mod notify;
pub mod scheduler;
pub mod smtp;
pub mod webhook;
