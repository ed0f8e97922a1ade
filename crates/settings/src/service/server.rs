//! `[server]`: the long-running process and its pages.
//!
//! Next: [`super::oidc`], single sign-on.

use super::oidc::{self, Oidc};
use crate::kind::{Count, Lasting, List, Network, Networks, Socket, Text, Web};
use crate::read::Section;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

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

pub(crate) fn read(section: &mut Section<'_>) -> Server {
    let listen_place = section.place_of("listen");
    let server = Server {
        listen: section.or("listen", "127.0.0.1:8350", Socket),
        public_url: section.optional("public_url", Web),
        node: section.optional("node", Text(64)),
        lease: section.or("lease", "20s", Lasting("5s", "5m")),
        stop_limit: section.or("stop_limit", "60s", Lasting("1s", "30m")),
        session: section.or("session", "12h", Lasting("5m", "30d")),
        session_idle: section.or("session_idle", "2h", Lasting("1m", "30d")),
        login_tries: section.or("login_tries", 5, Count(3, 100)),
        api_rate: section.or("api_rate", 600, Count(10, 10_000_000)),
        trusted_proxies: section.optional("trusted_proxies", List(Networks, 32)).unwrap_or_default(),
        tls: section.table("tls", |section| {
            let certificate = section.required("certificate", Text(1_000));
            let key = section.required("key", Text(1_000));
            let folder = &section.reader.folder;
            Some(Tls { certificate: folder.join(certificate?), key: folder.join(key?) })
        }),
        oidc: section.table("oidc", oidc::read),
        otlp_url: section.optional("otlp_url", Web),
    };
    if server.in_the_clear() {
        let help = "put a proxy with https before it and write `public_url`, or give it [server.tls]";
        section.warn("passwords would cross the network in the clear", listen_place, "reachable by others", help);
    }
    server
}
