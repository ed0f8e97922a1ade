//! The only reader of the environment.
//!
//! It hands out a value, so that a test (or the demo) gives another one. It must never write the environment.
//! Next: [`super::section`], which lays the named variables over the file.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The environment variables that Rollbook may see.
#[derive(Clone, Debug, Default)]
pub struct Env(Option<BTreeMap<String, String>>);

impl Env {
    /// The environment of this process.
    pub fn system() -> Self {
        Self(None)
    }

    /// Exactly these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// The value of a variable; `None` when it is absent, empty or no UTF-8.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            None => std::env::var(name).ok(),
            Some(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The person at the keyboard, also behind `sudo -u rollbook`; `None` where nobody says who that is.
    pub fn person(&self) -> Option<String> {
        ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| self.get(name))
    }

    /// The folder for files that may vanish: `TMPDIR`, else `/tmp`.
    pub fn temporary_folder(&self) -> PathBuf {
        self.get("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    }
}

/// The keys that a variable may set over the file: `(key, variable)`. There are no others.
pub const OVERLAID: [(&str, &str); 6] = [
    ("journal.url", "ROLLBOOK_JOURNAL_URL"),
    ("mail.smtp", "ROLLBOOK_MAIL_SMTP"),
    ("notify.heartbeat_url", "ROLLBOOK_NOTIFY_HEARTBEAT_URL"),
    ("server.listen", "ROLLBOOK_SERVER_LISTEN"),
    ("server.public_url", "ROLLBOOK_SERVER_PUBLIC_URL"),
    ("server.node", "ROLLBOOK_SERVER_NODE"),
];

/// The variable that names the configuration file when `--config` does not.
pub const CONFIG: &str = "ROLLBOOK_CONFIG";

/// The variable that says what is logged, in the words of `tracing`'s filter; else `-v` does.
pub const LOG: &str = "ROLLBOOK_LOG";

/// Where systemd hears how the process is; set by systemd.
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// How often systemd wants to hear it, in microseconds; set by systemd.
pub const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
