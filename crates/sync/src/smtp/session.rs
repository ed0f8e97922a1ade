//! One connection to the mail server: open, deliver mails, close. Every step has its time-out.
//!
//! It must never call a failure "not sent" once the content has begun to flow. Next: the parent module.

use super::Server;
use super::error::SmtpError;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};
use rollbook_remote::words::{Words, root_cause};
use std::error::Error as _;
use std::time::Duration;

/// How a connection is secured.
pub(super) enum Tls {
    /// Not at all.
    None,
    /// From its start.
    FromStart(TlsParameters),
    /// By STARTTLS, without which nothing is sent.
    Upgrade(TlsParameters),
}

/// A connection that is signed in.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    timeout: Duration,
    broken: bool,
}

/// How far a mail had come when something failed.
#[derive(Clone, Copy)]
enum Stage {
    SigningIn,
    Addressing,
    /// The content has begun to flow.
    Content,
}

impl Session {
    /// Connects, secures, signs in.
    pub(super) async fn open(server: &Server) -> Result<Self, SmtpError> {
        let Server { host, port, tls, credentials, timeout } = server;
        let hello = ClientId::default();
        let opening = async {
            let from_start = match tls {
                Tls::FromStart(parameters) => Some(parameters.clone()),
                Tls::None | Tls::Upgrade(_) => None,
            };
            let address = (host.as_str(), *port);
            let mut connection =
                AsyncSmtpConnection::connect_tokio1(address, Some(*timeout), &hello, from_start, None).await?;
            if let Tls::Upgrade(parameters) = tls {
                connection.starttls(parameters.clone(), &hello).await?;
            }
            if let Some(credentials) = credentials {
                connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
            }
            Ok(connection)
        };
        let connection = run(*timeout, Stage::SigningIn, opening).await?;
        Ok(Self { connection, timeout: *timeout, broken: false })
    }

    /// Whether the server still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        tokio::time::timeout(self.timeout, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Whether the connection is of no further use.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Delivers one mail. A refusal of the mail leaves the connection good for the next.
    pub(super) async fn deliver(&mut self, message: &Message) -> Result<(), SmtpError> {
        let result = self.try_deliver(message).await;
        self.broken = match &result {
            Ok(()) => false,
            Err(SmtpError::Refused { .. } | SmtpError::Deferred { .. } | SmtpError::Invalid { .. }) => {
                !matches!(tokio::time::timeout(self.timeout, self.connection.command(Rset)).await, Ok(Ok(_)))
            }
            Err(SmtpError::NotSent { .. } | SmtpError::Denied { .. } | SmtpError::Unknown { .. }) => true,
        };
        result
    }

    /// Says goodbye; does not wait long.
    pub(super) async fn close(mut self) {
        // A server that does not answer to goodbye is left all the same.
        drop(tokio::time::timeout(Duration::from_secs(2), self.connection.quit()).await);
    }

    async fn try_deliver(&mut self, message: &Message) -> Result<(), SmtpError> {
        let Self { connection, timeout, broken: _ } = self;
        let envelope = message.envelope();
        let is_ascii = |address: &Address| address.user().is_ascii() && address.domain().is_ascii();
        let mut parameters = Vec::new();
        if !envelope.from().into_iter().chain(envelope.to()).all(is_ascii) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(SmtpError::Invalid { why: "the server takes no address with such letters" });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let addressing = async {
            connection.command(Mail::new(envelope.from().cloned(), parameters)).await?;
            for recipient in envelope.to() {
                connection.command(Rcpt::new(recipient.clone(), Vec::new())).await?;
            }
            connection.command(Data).await
        };
        run(*timeout, Stage::Addressing, addressing).await?;
        run(*timeout, Stage::Content, connection.message(&message.formatted())).await?;
        Ok(())
    }
}

async fn run<T>(timeout: Duration, stage: Stage, step: impl Future<Output = Result<T, Error>>) -> Result<T, SmtpError> {
    match tokio::time::timeout(timeout, step).await {
        Ok(result) => result.map_err(|error| judge(&error, stage)),
        Err(_) => Err(judge_loss(stage, "no reply within the time-out".to_owned())),
    }
}

fn judge(error: &Error, stage: Stage) -> SmtpError {
    let Some(code) = error.status().map(u16::from) else {
        return judge_loss(stage, root_cause(error));
    };
    let words = Words::new(&error.source().map(ToString::to_string).unwrap_or_default());
    match stage {
        _ if error.is_transient() => SmtpError::Deferred { code, words },
        Stage::SigningIn => SmtpError::Denied { code, words },
        Stage::Addressing | Stage::Content => SmtpError::Refused { code, words },
    }
}

fn judge_loss(stage: Stage, why: String) -> SmtpError {
    match stage {
        Stage::SigningIn | Stage::Addressing => SmtpError::NotSent { why },
        Stage::Content => SmtpError::Unknown { why },
    }
}
