//! Speaks to one Moodle by its REST web services: every call a POST, every answer judged before it is believed.
//!
//! It must never repeat a write, never follow a redirect, never send more variables than PHP reads (the rest would be
//! dropped in silence), and never match on an exception's class or words, which change between versions.
//! A dry run is given a [`MoodleReader`] only; writing takes a [`MoodleWriter`].
//! Next: [`function`] for what is called, [`error`] for what can go wrong, `read/` and `write/` for the calls.

pub mod batch;
mod call;
pub mod error;
pub mod function;
pub mod read;
pub mod wire;
pub mod write;

pub use batch::{ItemOutcome, send_halving};
pub use call::{CallCount, MoodleClient, MoodleOptions};
pub use error::{CODE_VARIABLES_DROPPED, MoodleError};
pub use function::Function;
pub use read::MoodleReader;
pub use write::MoodleWriter;
