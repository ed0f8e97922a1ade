//! What Rollbook itself needs: its journal, a mail server, notices, and the server that people look at.
//!
//! Next: [`journal`], [`notify`], [`server`].

mod calendar;
mod journal;
mod notify;
mod oidc;
mod server;

pub use calendar::{BusinessHours, Silence};
pub use journal::{Journal, Place};
pub use notify::{Mail, Notify};
pub use oidc::{Oidc, RoleName};
pub use server::{Server, Tls};

pub(super) use journal::read as journal;
pub(super) use notify::{mail, read as notify};
pub(super) use server::read as server;
