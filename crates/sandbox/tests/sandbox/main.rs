//! Every test states one fact about a real system and checks that its stand-in behaves so.

mod client;
mod enrolments;
mod faults;
mod feed;
mod users;
