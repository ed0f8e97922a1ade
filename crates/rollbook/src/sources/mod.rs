//! Wire → snapshot, nothing else: what each system said, in Rollbook's words.
//!
//! A source reads; it never writes, plans, or touches the journal. Next: [`elm`], [`moodle`].

pub mod community;
pub mod database;
pub mod elm;
pub mod moodle;
pub mod psaelmsync;
