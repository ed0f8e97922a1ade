//! Every test states one fact about a real system and checks that its stand-in behaves so.

mod client;
mod completions;
mod demo;
mod enrolments;
mod faults;
mod feed;
mod mail;
mod users;
