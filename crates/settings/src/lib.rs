//! rollbook.toml → [`Settings`]: every value typed, bounded, and checked against the others.
//!
//! All that is wrong is found in one reading, each with its line. Only this module reads the environment: a few named
//! variables lie over the file, and a secret may come from one. It must never show a secret, nor reach a site.
//! Next: [`section`] for how a file is read, then [`site`], [`link`] and [`service`] for what is in it.

mod env;
mod error;
mod kind;
pub mod link;
mod lookup;
mod secret;
mod section;
pub mod service;
pub mod site;
mod tree;

pub use env::{CONFIG, Env, LOG, NOTIFY_SOCKET, WATCHDOG_USEC};
pub use error::{ConfigErrors, Problem, Warning};
pub use kind::{Network, duration};
pub use lookup::{CompletionsLink, GuildsLink, IntakeLink, NoSuchLink};
pub use secret::SecretUrl;
pub use section::{Origin, Setting};

use link::{Context, Link};
use miette::{NamedSource, Severity};
use rollbook_core::model::{LinkName, SiteName};
use section::{Findings, Reader, Section};
use service::{Journal, Mail, Notify, Server};
use site::Site;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A configuration has at most so many bytes.
const BYTES_MAX: u64 = 1024 * 1024;

/// A whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Rollbook remembers.
    pub journal: Journal,
    /// How mail leaves, if it does.
    pub mail: Option<Mail>,
    /// Who hears of trouble.
    pub notify: Notify,
    /// The long-running process.
    pub server: Server,
    /// Every site by its name.
    pub sites: BTreeMap<SiteName, Site>,
    /// Every link by its name; each refers to sites of the right kind.
    pub links: BTreeMap<LinkName, Link>,
    /// Every key with its value and where that came from, secrets left out, in the order of reading.
    pub effective: Vec<Setting>,
}

impl Settings {
    /// Reads the file at `path`, which may have 1 MiB. All that is wrong comes back at once.
    pub fn load(path: &Path, env: &Env) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        let name = path.display().to_string();
        let unreadable = |reason: String, help: &str| {
            let nothing = Arc::new(NamedSource::new(&name, String::new()));
            let problem = Problem::new(&nothing, Severity::Error, reason).help(help);
            ConfigErrors::new(name.clone(), vec![problem])
        };
        if std::fs::metadata(path).is_ok_and(|about| about.len() > BYTES_MAX) {
            return Err(unreadable(format!("it has more than {BYTES_MAX} bytes"), "is this the right file?"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| {
            unreadable(
                format!("it cannot be read: {error}"),
                "name the file with --config, or make one with `rollbook init`",
            )
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(&name, &text, folder, secret::open_to_others(path), env)
    }

    /// Reads a text that is called `name`. Relative paths in it begin at `folder`.
    fn parse(
        name: &str,
        text: &str,
        folder: PathBuf,
        open_to_others: bool,
        env: &Env,
    ) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        let shown = Arc::new(NamedSource::new(name, error::mask(text)));
        let (entries, syntax) = tree::parse(text);
        if !syntax.is_empty() {
            let problems = syntax
                .into_iter()
                .map(|error| Problem::new(&shown, Severity::Error, "this is not TOML").at(error.place, error.message));
            return Err(ConfigErrors::new(name.to_owned(), problems.collect()));
        }
        let reader = Reader { shown, env: env.clone(), folder, open_to_others, found: RefCell::default() };
        let settings = Section::whole(&reader, entries, Self::whole);
        let Findings { mut problems, warnings, settings: effective } = reader.found.into_inner();
        problems.sort_by_key(Problem::start);
        if problems.is_empty() {
            Ok((Self { effective, ..settings }, warnings))
        } else {
            Err(ConfigErrors::new(name.to_owned(), problems))
        }
    }

    fn whole(file: &mut Section<'_>) -> Self {
        let zone = file.or("timezone", "UTC", kind::Zone);
        let journal = file.defaults("journal", service::journal);
        let has_mail = file.has("mail");
        let mail = file.table("mail", service::mail);
        let sites = file.named("site", |name, section| site::read(name, &zone, section));
        let context = Context { sites: &sites, zone: &zone, mail: has_mail };
        let links = file.named("link", |name, section| link::read(name, &context, section));
        let notify = file.defaults("notify", |section| service::notify(section, &zone));
        let server = file.defaults("server", service::server);
        let sites = sites.into_iter().filter_map(|(name, (_, site))| Some((SiteName::new(name), site?))).collect();
        let links = links.into_iter().filter_map(|(name, link)| Some((LinkName::new(name), link?))).collect();
        Self { journal, mail, notify, server, sites, links, effective: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
