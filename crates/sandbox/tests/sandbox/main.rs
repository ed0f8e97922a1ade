//! Every test states one fact about a real system and checks that its stand-in behaves so.

mod client;
mod community;
mod demo;
mod elm;
mod faults;
mod groups;
mod mail;
mod moodle;
mod sql;
