//! Sends mail by SMTP, several mails over one connection, and says of each what became of it.
//!
//! It must never send one mail twice by itself, and never let an address or a text into a log. The low-level connection
//! of lettre is used instead of its pooled transport, because only step by step can it be known whether a broken
//! connection came before the mail's content (nothing was sent) or after it (nobody knows).
//! Next: `message.rs` (what a mail may contain), `session.rs` (the steps).

mod error;
mod message;
mod session;

pub use error::SmtpError;
pub use message::Mail;

use lettre::Message;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use reqwest::Url;
use rollbook_remote::http::{SetupError, install_tls};
use rollbook_remote::measure::Called;
use secrecy::{ExposeSecret, SecretString};
use session::{Session, Tls};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How to reach the mail server.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// `smtps://user:password@host[:465]` (TLS from the start), `smtp://…[:587]?tls=required` (STARTTLS), or
    /// `smtp://host[:25]` (no TLS, then no password either, loopback excepted). User and password percent-encoded.
    pub url: SecretString,
    /// For each of the three steps of a mail: connection, addresses, content.
    pub timeout: Duration,
    /// At most so many mails within a minute; the next one waits.
    pub per_minute: u32,
}

impl SmtpOptions {
    /// 30 s a step, 300 mails a minute.
    pub fn new(url: SecretString) -> Self {
        Self { url, timeout: Duration::from_secs(30), per_minute: 300 }
    }
}

/// Sends mail through one server, one mail at a time.
pub struct SmtpClient {
    server: Server,
    /// The connection, between mails.
    session: Mutex<Option<Session>>,
    per_minute: usize,
    /// When the mails of the last minute left, the oldest first.
    sent: Mutex<VecDeque<Instant>>,
}

/// Where and how to connect.
struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    timeout: Duration,
}

impl std::fmt::Debug for SmtpClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SmtpClient({}:{})", self.server.host, self.server.port)
    }
}

impl SmtpClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address, or a password that would travel in the clear.
    pub fn new(options: &SmtpOptions) -> Result<Self, SetupError> {
        install_tls();
        Ok(Self {
            server: parse_server(options)?,
            session: Mutex::new(None),
            per_minute: usize::try_from(options.per_minute).unwrap_or(usize::MAX).max(1),
            sent: Mutex::default(),
        })
    }

    /// Waits until one more mail may leave within a minute.
    async fn take_turn(&self) {
        let turn = next_turn(&mut *self.sent.lock().await, self.per_minute, Instant::now());
        tokio::time::sleep_until(turn).await;
    }

    /// Sends one mail, once. A connection that the server closed between mails is replaced.
    ///
    /// # Errors
    /// [`SmtpError`]
    pub async fn send(&self, mail: &Mail) -> Result<(), SmtpError> {
        let message = message::make_message(mail)?;
        self.take_turn().await;
        Called { site: "mail", function: "send" }.measure(self.deliver(&message)).await
    }

    async fn deliver(&self, message: &Message) -> Result<(), SmtpError> {
        // Held throughout: mails go one after the other. Taken out, so that a send given up halfway leaves nothing.
        let mut place = self.session.lock().await;
        if let Some(mut session) = place.take()
            && session.is_alive().await
        {
            match session.deliver(message).await {
                Err(SmtpError::NotSent { .. }) => {}
                // "Closing": said to the connection, not to the mail.
                Err(SmtpError::Deferred { code: 421, .. }) => {}
                result => return settle(&mut place, session, result),
            }
        }
        self.send_anew(&mut place, message).await
    }

    /// Connects, logs in where there is a password, and says goodbye; no mail is sent.
    ///
    /// # Errors
    /// [`SmtpError`]
    pub async fn greet(&self) -> Result<(), SmtpError> {
        Session::open(&self.server).await?.close().await;
        Ok(())
    }

    /// Says goodbye to the server, if connected.
    pub async fn close(&self) {
        if let Some(session) = self.session.lock().await.take() {
            session.close().await;
        }
    }

    async fn send_anew(&self, place: &mut Option<Session>, message: &Message) -> Result<(), SmtpError> {
        let mut session = Session::open(&self.server).await?;
        let result = session.deliver(message).await;
        settle(place, session, result)
    }
}

/// Keeps the connection for the next mail when it is still good.
fn settle(place: &mut Option<Session>, session: Session, result: Result<(), SmtpError>) -> Result<(), SmtpError> {
    if !session.is_broken() {
        *place = Some(session);
    }
    result
}

fn parse_server(options: &SmtpOptions) -> Result<Server, SetupError> {
    const WHAT: &str = "the mail server's address";
    let url = Url::parse(options.url.expose_secret().trim()).map_err(|e| SetupError::new(WHAT, e.to_string()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err(SetupError::new(WHAT, "names no host"));
    }
    let wanted = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
    let make_parameters =
        || TlsParameters::new(host.clone()).map_err(|_| SetupError::new(WHAT, "TLS cannot be set up for this host"));
    let (tls, port) = match (url.scheme(), wanted.as_deref()) {
        ("smtps", None) => (Tls::FromStart(make_parameters()?), 465),
        ("smtp", Some("required")) => (Tls::Upgrade(make_parameters()?), 587),
        ("smtp", None) => (Tls::None, 25),
        _ => return Err(SetupError::new(WHAT, "must begin with smtps:// or smtp:// and may end in ?tls=required")),
    };
    let credentials = match url.password() {
        None if url.username().is_empty() => None,
        None => return Err(SetupError::new(WHAT, "has a user name and no password")),
        Some(password) => Some(Credentials::new(decode(url.username())?, decode(password)?)),
    };
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if credentials.is_some() && matches!(tls, Tls::None) && !local {
        return Err(SetupError::new(WHAT, "would send the password in the clear: use smtps:// or ?tls=required"));
    }
    Ok(Server { host, port: url.port().unwrap_or(port), tls, credentials, timeout: options.timeout })
}

fn decode(text: &str) -> Result<String, SetupError> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    Ok(text
        .map_err(|_| SetupError::new("the mail server's address", "has a user name or password not in UTF-8"))?
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Server, SetupError> {
        install_tls();
        parse_server(&SmtpOptions::new(url.into()))
    }

    #[test]
    fn the_address_says_how_the_connection_is_secured() {
        let port = |url| parse(url).map(|server| server.port).unwrap_or(0);
        assert_eq!(port("smtps://mail.example.org"), 465);
        assert_eq!(port("smtp://u:p@mail.example.org?tls=required"), 587);
        assert_eq!(port("smtp://mail.example.org"), 25);
        assert_eq!(port("smtp://[::1]:2525"), 2525);
        assert_eq!(parse("smtp://[::1]").map(|server| server.host).ok().as_deref(), Some("::1"));
    }

    #[test]
    fn a_password_never_travels_in_the_clear_and_never_shows() {
        for url in
            ["smtp://u:hunter2@mail.example.org", "http://u:hunter2@h", "smtps://u:hunter2@h?tls=maybe", "smtp://u@h"]
        {
            let error = parse(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("hunter2"), "{url}: {error}");
        }
        assert!(parse("smtp://u:p%40ss@127.0.0.1:2525").is_ok());
    }
}

/// When the next mail may leave, so that no more than `per_minute` do within any minute; it is noted as sent then.
fn next_turn(sent: &mut VecDeque<Instant>, per_minute: usize, now: Instant) -> Instant {
    const MINUTE: Duration = Duration::from_secs(60);
    while sent.len() >= per_minute.max(1) {
        match sent.pop_front() {
            Some(first) if sent.len() + 1 == per_minute.max(1) && first + MINUTE > now => {
                sent.push_back(first + MINUTE);
                return first + MINUTE;
            }
            _ => {}
        }
    }
    sent.push_back(now);
    now
}

#[cfg(test)]
mod pace {
    use super::*;

    #[test]
    fn no_more_mails_leave_within_a_minute_than_the_configuration_says() {
        let (mut sent, start) = (VecDeque::new(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        for (asked, leaves) in [(0, 0), (1, 1), (2, 60), (60, 61), (61, 120), (300, 300), (301, 301), (302, 360)] {
            assert_eq!(next_turn(&mut sent, 2, after(asked)), after(leaves), "asked after {asked} s");
        }
    }
}
