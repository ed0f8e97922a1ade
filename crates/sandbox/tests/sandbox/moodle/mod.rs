//! Moodle: one file for each part of its web services.

mod cohorts;
mod completion;
mod courses;
mod enrolments;
mod participants;
mod races;
mod roles;
mod transport;
mod users;
