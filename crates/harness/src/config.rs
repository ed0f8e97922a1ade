//! The one configuration over a sandbox. A test says what is different, in TOML.

use crate::JOURNAL;
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, MOODLE_TOKEN, Sandbox};
use rollbook_settings::{Env, Settings};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A configuration: a journal in the folder, mail, the sites `elm`, `learning` and `avc`; no link yet.
#[derive(Clone, Debug)]
pub struct Config(Table);

impl Config {
    /// Over the servers of a sandbox.
    pub fn over(sandbox: &Sandbox) -> Self {
        let [feed, completion, moodle] = [sandbox.feed_url(), sandbox.completion_url(), sandbox.moodle_url()];
        Self::of(&sandbox.smtp_url(), &feed, &completion, &moodle, &sandbox.community_url())
    }

    /// Where nobody is called, or nobody shall answer.
    pub fn over_nothing() -> Self {
        let url = "http://127.0.0.1:9";
        Self::of("smtp://127.0.0.1:9", &format!("{url}/feed"), &format!("{url}/done"), &format!("{url}/"), url)
    }

    fn of(smtp: &str, feed: &str, completion: &str, moodle: &str, community: &str) -> Self {
        Self(Table::new()).with(&format!(
            r#"
            timezone = "America/Vancouver"
            [journal]
            url = "sqlite:{JOURNAL}"
            [mail]
            smtp = "{smtp}"
            from = "Learning Centre <learning@example.org>"
            [site.elm]
            kind = "elm"
            feed_url = "{feed}"
            token = "{ELM_TOKEN}"
            completion = {{ url = "{completion}" }}
            [site.learning]
            kind = "moodle"
            url = "{moodle}"
            token = "{MOODLE_TOKEN}"
            [site.avc]
            kind = "community"
            url = "{community}"
            auth = {{ kind = "basic", user = "{COMMUNITY_USER}", password = "{COMMUNITY_PASSWORD}" }}
            "#
        ))
    }

    /// With an intake link, whose mails Rollbook writes.
    #[must_use]
    pub fn intake(self, link: &str) -> Self {
        self.with(&format!(
            "[link.{link}]\nflow = \"intake\"\nfrom = \"elm\"\nto = \"learning\"\nwelcome = {{ mode = \"rollbook\" }}"
        ))
    }

    /// With a completions link.
    #[must_use]
    pub fn completions(self, link: &str) -> Self {
        self.with(&format!("[link.{link}]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\""))
    }

    /// With a guilds link.
    #[must_use]
    pub fn guilds(self, link: &str) -> Self {
        self.with(&format!("[link.{link}]\nflow = \"guilds\"\nfrom = \"avc\"\nto = \"learning\""))
    }

    /// With more; what is there already under a key is replaced, tables are merged.
    #[must_use]
    pub fn with(mut self, more: &str) -> Self {
        let more: Table = more.parse().unwrap_or_else(|error| panic!("{error}\n{more}"));
        merge(&mut self.0, more);
        self
    }

    /// With another name for a site, here and in the links.
    #[must_use]
    pub fn renamed(mut self, site: &str, name: &str) -> Self {
        let sites = self.0["site"].as_table_mut().unwrap();
        let section = sites.remove(site).unwrap();
        sites.insert(name.to_owned(), section);
        let links = self.0.get_mut("link").and_then(Value::as_table_mut);
        for end in
            links.into_iter().flat_map(Table::iter_mut).flat_map(|(_, link)| link.as_table_mut().unwrap().iter_mut())
        {
            if matches!(end.0.as_str(), "from" | "to") && end.1.as_str() == Some(site) {
                *end.1 = name.into();
            }
        }
        self
    }

    /// Without a section or a key: `site.avc`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        let (above, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut self.0;
        for part in above.split('.').filter(|part| !part.is_empty()) {
            table = table[part].as_table_mut().unwrap();
        }
        assert!(table.remove(name).is_some(), "there is no {key}");
        self
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        toml::to_string(&self.0).unwrap()
    }

    /// Writes it into a folder, as `rollbook.toml`.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("rollbook.toml");
        std::fs::write(&path, self.text()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A folder of its own, with it in it.
    pub fn folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        folder
    }

    /// Writes it into a folder, and reads it as a command would.
    pub fn settings(&self, folder: &Path) -> Settings {
        Settings::load(&self.write(folder), &Env::of([])).unwrap_or_else(|error| panic!("{error:?}\n{}", self.text())).0
    }
}

fn merge(into: &mut Table, more: Table) {
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(more)) => merge(into, more),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
