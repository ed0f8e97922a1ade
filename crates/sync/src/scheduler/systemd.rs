//! What systemd is told: that the process is ready, that it stops, and, while it lives, that it does.
//!
//! A datagram to a socket that it names (`sd_notify(3)`); nothing where it names none. Twenty lines instead of a crate.

use rollbook_settings::{Env, NOTIFY_SOCKET, WATCHDOG_USEC};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager, where there is one.
#[derive(Debug, Default)]
pub struct Systemd {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Systemd {
    /// The one that started this process, as the environment says.
    pub fn find(env: &Env) -> Self {
        let address = env.get(NOTIFY_SOCKET).and_then(|name| match name.strip_prefix('@') {
            Some(hidden) => SocketAddr::from_abstract_name(hidden).ok(),
            None => SocketAddr::from_pathname(&name).ok(),
        });
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let watchdog = env.get(WATCHDOG_USEC).and_then(|text| text.parse().ok()).map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// How often it wants a sign of life: twice in its own time.
    pub fn sign_every(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some()).map(|watchdog| watchdog / 2)
    }

    /// The process serves.
    pub fn ready(&self, listens: &str) {
        self.tell(&format!("READY=1\nSTATUS=serves on {listens}"));
    }

    /// The process lives.
    pub fn lives(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The process ends what is under way.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=ends what is under way");
    }

    fn tell(&self, words: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(words.as_bytes(), address) {
            tracing::warn!(%error, "systemd could not be told");
        }
    }
}
