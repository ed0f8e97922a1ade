//! Moodle's database: one file per group of tables, rows as Moodle stores them.

mod cohort;
pub(crate) mod collation;
mod completion;
mod course;
mod enrolment;
mod role;
mod table;
mod user;

pub use cohort::{Cohort, Member};
pub use completion::Completion;
pub use course::{Course, OptInField, Visibility};
pub use enrolment::{Enrolment, Instance, Welcome, WelcomeFrom};
pub use role::{Assignment, Context, Role};
pub(crate) use table::Pairs;
pub use table::{Row, Table};
pub use user::{MailDisplay, User};
