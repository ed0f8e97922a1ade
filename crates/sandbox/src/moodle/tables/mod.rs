//! Moodle's database: one file per group of tables, rows as Moodle stores them.

mod cohort;
mod course;
mod enrolment;
mod role;
mod table;
mod user;

pub use cohort::{Cohort, Member};
pub use course::{Completion, Course, OptInField, Visibility};
pub use enrolment::{Enrolment, Instance, Welcome, WelcomeFrom};
pub use role::{Assignment, Context, Role};
pub(crate) use table::{Pairs, fold};
pub use table::{Row, Table};
pub use user::{MailDisplay, User};
