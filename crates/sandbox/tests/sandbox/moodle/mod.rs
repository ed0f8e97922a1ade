//! Moodle: one file for each part of its web services.

mod cohorts;
mod completion;
mod courses;
mod enrolments;
mod life;
mod participants;
mod races;
mod roles;
mod states;
mod transport;
mod users;
mod versions;
