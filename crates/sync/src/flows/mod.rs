//! The flows, one folder each: a flow supplies collect, plan, checks and effects, and the engine runs it
//! ([`crate::engine`] says how to write one). Beside them what people and the scheduler ask for: corrections, imports,
//! the doctor, mails.

pub mod completions;
pub mod correct;
pub mod deliver;
pub mod doctor;
pub mod guilds;
pub mod import;
pub mod intake;
pub mod setup;
