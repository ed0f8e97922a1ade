//! Every test states one fact about a real system and checks that its stand-in behaves so.

mod client;
mod cohorts;
mod completions;
mod courses;
mod demo;
mod enrolments;
mod faults;
mod feed;
mod mail;
mod moodle_completion;
mod participants;
mod races;
mod roles;
mod transport;
mod users;
