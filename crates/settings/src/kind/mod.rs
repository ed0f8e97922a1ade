//! What a value may be: its type, its bounds, and the words that say so.
//!
//! A kind is pure: it must never read the environment, a file or the time. Secrets are no kind, see [`super::secret`].
//! Next: [`plain`] for numbers, texts and durations, [`remote`] for what names another system.

mod plain;
mod remote;

use super::tree::Value;
pub use plain::duration;
pub(super) use plain::{Choice, Count, Day, Flag, Lasting, List, Name, Share, Text};
pub use remote::Network;
pub(super) use remote::{Header, Mail, Networks, Socket, Web, Zone};

/// One kind of value.
pub(super) trait Kind {
    /// What a value of this kind becomes.
    type Out;

    /// What is taken, with its bounds, for the help of an error: "a duration from 1s to 10m, such as \"30s\"".
    fn wants(&self) -> String;

    /// Understands a value, or says in a few words what is wrong with it.
    fn read(&self, value: &Value) -> Result<Self::Out, String>;
}

/// The text of a value that must be one.
fn text_of(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("this is {}, not a text", other.type_name())),
    }
}
