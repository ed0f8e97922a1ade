//! A mail server that accepts everything, keeps it, and can be told to refuse.
//!
//! `session.rs` holds the conversation, `message.rs` reads what arrived.

mod message;
mod session;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

pub use message::Mail;

use crate::server::{Bound, Running, Shared};

/// The mails received, and the server's switches.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Mailbox {
    /// Every mail that was accepted, in order of arrival.
    pub mails: Vec<Mail>,
    /// Name and password that clients must give first (`AUTH PLAIN` or `LOGIN`); `None` lets everybody in.
    pub account: Option<(String, String)>,
    /// Recipients that are refused for good (550), in lower case.
    pub refused: BTreeSet<String>,
}

impl Mailbox {
    /// Mails to a recipient of the envelope, compared without regard to case.
    pub fn to(&self, address: &str) -> Vec<&Mail> {
        let mails = self.mails.iter();
        mails.filter(|mail| mail.to.iter().any(|to| to.eq_ignore_ascii_case(address))).collect()
    }

    /// Mails whose decoded subject contains a text.
    pub fn about(&self, part_of_subject: &str) -> Vec<&Mail> {
        let mails = self.mails.iter();
        mails.filter(|mail| mail.subject().contains(part_of_subject)).collect()
    }

    fn receive(&mut self, from: &str, to: &[String], raw: Vec<u8>, at: Timestamp) {
        self.mails.push(Mail { from: from.to_owned(), to: to.to_vec(), raw, received_at: at });
    }
}

/// Serves mail on a bound port.
pub(crate) fn serve(bound: Bound, shared: Arc<Shared>) -> Running {
    let listener = bound.into_listener();
    let task = tokio::spawn(async move {
        // Dropped with the task, the set ends every conversation.
        let mut conversations = JoinSet::new();
        loop {
            let Ok((stream, _peer)) = listener.accept().await else {
                continue;
            };
            while conversations.try_join_next().is_some() {}
            conversations.spawn(session::converse(stream, shared.clone()));
        }
    });
    Running::of(task)
}
