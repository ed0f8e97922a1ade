//! What Rollbook itself needs: its journal, a mail server, alerts, and the web server.

use super::kind::{
    Choice, Count, Day, DurationIn, HttpUrl, Kind, List, MailAddress, Network, NetworkAddress, SocketAddress, Text,
    signed,
};
use super::secret::SecretUrl;
use super::section::Section;
use super::tree::Value;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use reqwest::Url;
pub use rollbook_core::model::RoleName;
use rollbook_core::notice::{BusinessHours, SilenceRules};
use secrecy::SecretString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The journal's settings.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Where it is.
    pub place: Place,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// Names, mail addresses and bodies older than this are removed by `prune`, the counts stay; `None` keeps them.
    pub personal_data_kept: Option<Duration>,
}

/// Where the journal is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file. A relative path counts from the folder of the configuration file.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(SecretUrl),
}

impl Place {
    /// The place for people, without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.shown(),
        }
    }
}

pub(super) fn journal(section: &mut Section<'_>) -> Journal {
    let url = if section.has("url") || section.overlaid("url") {
        section.secret_url("url", &["sqlite", "postgres", "postgresql"])
    } else {
        section.or("url", "sqlite:rollbook.sqlite", Text(1_000));
        None
    };
    let place = match url {
        None => Place::File(section.reader.folder.join("rollbook.sqlite")),
        Some(url) if url.scheme() == "sqlite" => {
            let path = url.expose().trim_start_matches("sqlite:").trim_start_matches("//");
            Place::File(section.reader.folder.join(path.split('?').next().unwrap_or_default()))
        }
        Some(url) => Place::Postgres(url),
    };
    Journal {
        place,
        connections_max: section.or("connections_max", 8, Count(2, 100)),
        personal_data_kept: section.optional("personal_data_kept", DurationIn("30d", "36500d")),
    }
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The server, with its password: `smtp://` (STARTTLS where the address asks for it) or `smtps://`.
    pub smtp: SecretUrl,
    /// The sender.
    pub from: Mailbox,
    /// The time one mail may take.
    pub timeout: Duration,
    /// At most so many mails a minute.
    pub per_minute: u32,
}

/// Who hears of trouble.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The addresses, for each link that names no others.
    pub to: Vec<Mailbox>,
    /// An address that gets each notice as JSON; it may hold a key.
    pub webhook: Option<SecretUrl>,
    /// An address that is fetched while all is well, so that the death of Rollbook itself is noticed.
    pub heartbeat_url: Option<Url>,
    /// How often it is fetched.
    pub heartbeat_every: Duration,
    /// An episode that goes on is reminded of so often.
    pub reminder: Duration,
    /// When people are at work.
    pub hours: BusinessHours,
    /// When a silent feed is trouble.
    pub silence: SilenceRules,
}

pub(super) fn mail(section: &mut Section<'_>) -> Option<Mail> {
    let there = section.has("smtp") || section.overlaid("smtp");
    let smtp = section.secret_url("smtp", &["smtp", "smtps"]);
    if !there {
        section.missing("smtp", "write `smtp = \"smtp://mail.example.org:25\"`".to_owned());
    }
    let from = section.required("from", MailAddress);
    let timeout = section.or("timeout", "30s", DurationIn("1s", "5m"));
    let per_minute = section.or("per_minute", 300, Count(1, 10_000));
    Some(Mail { smtp: smtp?, from: from?, timeout, per_minute })
}

pub(super) fn notify(section: &mut Section<'_>, zone: &TimeZone) -> Notify {
    Notify {
        to: section.or("to", [], List(MailAddress, 50)),
        webhook: section.secret_url("webhook", &["https", "http"]),
        heartbeat_url: section.optional("heartbeat_url", HttpUrl),
        heartbeat_every: section.or("heartbeat_every", "5m", DurationIn("10s", "1d")),
        reminder: section.or("reminder", "24h", DurationIn("1h", "30d")),
        hours: section.defaults("hours", |section| hours(section, zone)),
        silence: section.defaults("silence", silence),
    }
}

const WEEKDAYS: Choice<Weekday> = Choice(&[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
]);

fn hours(section: &mut Section<'_>, zone: &TimeZone) -> BusinessHours {
    let (from, until) = section.or("open", "06:00-18:00", Open);
    BusinessHours {
        from,
        until,
        weekdays: section.or("weekdays", ["mon", "tue", "wed", "thu", "fri"], List(WEEKDAYS, 7)),
        holidays: section.or("holidays", [], List(Day, 1_000)),
        zone: section.zone_or(zone),
    }
}

fn silence(section: &mut Section<'_>) -> SilenceRules {
    SilenceRules {
        after: signed(section.or("after", "1h", DurationIn("1m", "90d"))),
        off_hours_after: section.optional("off_hours_after", DurationIn("1m", "90d")).map(signed),
    }
}

/// `06:00-18:00`, within one day.
struct Open;

impl Kind for Open {
    type Out = (Time, Time);

    fn expects(&self) -> String {
        "two times of one day, such as \"06:00-18:00\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<(Time, Time), String> {
        let Value::Text(text) = value else { return Err(format!("this is {}, not a text", value.type_name())) };
        let times = text.split_once('-').and_then(|(from, until)| Some((time(from)?, time(until)?)));
        match times {
            None => Err("these are not two times".to_owned()),
            Some((from, until)) if from >= until => Err("the second time is not after the first".to_owned()),
            Some(times) => Ok(times),
        }
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// The server's settings.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What people's browsers call it; links in mails begin with it.
    pub public_url: Option<Url>,
    /// This node's name in leases; the machine's name when `None`.
    pub node: Option<String>,
    /// A lease that is not renewed for so long may be taken by another node.
    pub lease: Duration,
    /// How long a stop waits for what is under way.
    pub stop_limit: Duration,
    /// A login ends after so long.
    pub session: Duration,
    /// A login ends after so long without a page.
    pub session_idle: Duration,
    /// After so many wrong passwords for an account within 15 minutes, 3 to 100, it has to wait.
    pub login_tries: u32,
    /// A token of the API may ask so often within a minute.
    pub api_rate: u32,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Its own certificate; `None` when it speaks plain HTTP, behind a proxy.
    pub tls: Option<Tls>,
    /// Single sign-on.
    pub oidc: Option<Oidc>,
    /// Where traces are sent (OTLP over HTTP).
    pub otlp_url: Option<Url>,
}

/// A certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

impl Server {
    /// Whether what a peer says in `X-Forwarded-For` is believed.
    pub fn trusts_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer.to_canonical()))
    }

    /// Whether it is behind a proxy that it does not believe: then all logins count as of one address.
    pub fn counts_logins_by_proxy(&self) -> bool {
        self.public_url.is_some() && self.tls.is_none() && self.trusted_proxies.is_empty()
    }

    /// Whether passwords would cross a network unprotected: no loopback address, no certificate, no `https` outside.
    pub fn in_the_clear(&self) -> bool {
        let proxied = self.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        !self.listen.ip().is_loopback() && self.tls.is_none() && !proxied
    }
}

pub(super) fn server(section: &mut Section<'_>) -> Server {
    let listen_place = section.place_of("listen");
    let server = Server {
        listen: section.or("listen", "127.0.0.1:8350", SocketAddress),
        public_url: section.optional("public_url", HttpUrl),
        node: section.optional("node", Text(64)),
        lease: section.or("lease", "20s", DurationIn("5s", "5m")),
        stop_limit: section.or("stop_limit", "60s", DurationIn("1s", "30m")),
        session: section.or("session", "12h", DurationIn("5m", "30d")),
        session_idle: section.or("session_idle", "2h", DurationIn("1m", "30d")),
        login_tries: section.or("login_tries", 5, Count(3, 100)),
        api_rate: section.or("api_rate", 600, Count(10, 10_000_000)),
        trusted_proxies: section.optional("trusted_proxies", List(NetworkAddress, 32)).unwrap_or_default(),
        tls: section.table("tls", |section| {
            let certificate = section.required("certificate", Text(1_000));
            let key = section.required("key", Text(1_000));
            let folder = &section.reader.folder;
            Some(Tls { certificate: folder.join(certificate?), key: folder.join(key?) })
        }),
        oidc: section.table("oidc", oidc),
        otlp_url: section.optional("otlp_url", HttpUrl),
    };
    if server.in_the_clear() {
        let help = "put a proxy with https before it and write `public_url`, or give it [server.tls]";
        section.warn("passwords would cross the network in the clear", listen_place, "reachable by others", help);
    }
    server
}

/// Single sign-on.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// The issuer, as its discovery document names it.
    pub issuer: Url,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// The scopes that are requested besides `openid`.
    pub scopes: Vec<String>,
    /// The claim whose values give a role.
    pub claim: String,
    /// Which value gives which role; nobody else gets in. The highest counts.
    pub roles: Vec<(String, RoleName)>,
}

/// The roles by their words.
const ROLES: Choice<RoleName> = Choice(&[
    ("viewer", RoleName::Viewer),
    ("operator", RoleName::Operator),
    ("approver", RoleName::Approver),
    ("administrator", RoleName::Administrator),
]);

fn oidc(section: &mut Section<'_>) -> Option<Oidc> {
    let issuer = section.required("issuer", HttpUrl);
    let client_id = section.required("client_id", Text(200));
    let client_secret = section.secret("client_secret");
    let scopes = section.or("scopes", ["profile", "email"], List(Text(100), 20));
    let claim = section.or("claim", "groups", Text(200));
    let roles = section.each("role", |section| {
        let value = section.required("value", Text(200));
        let role = section.required("role", ROLES);
        Some((value?, role?))
    });
    Some(Oidc { issuer: issuer?, client_id: client_id?, client_secret: client_secret?, scopes, claim, roles })
}
