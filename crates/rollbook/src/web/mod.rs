//! What comes in over HTTP. It reads and writes the journal, and never calls a remote system itself.
//!
//! Next: [`events`], which systems push.

pub mod events;
