//! The guilds flow over the stand-ins: real HTTP, a real journal, every step of it.

mod faults;
mod pains;
mod readers;
mod scoped;
mod sync;
mod tables;
mod world;
