//! `rollbook self-check`: whether this installation is well, without asking any site.

use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use clap::Args;
use rollbook_core::model::{counted, counted_as};
use rollbook_settings::Settings;
use rollbook_settings::service::Place;
use rollbook_sync::flows::setup;
use serde_json::json;
use std::net::TcpListener;

/// Check this installation (see `doctor` for the sites)
#[derive(Debug, Args)]
pub(in crate::cli) struct SelfCheck {}

/// What was looked at, and what was found.
struct Findings<'a> {
    out: &'a mut Output,
    told: Vec<(String, Sign, String)>,
}

impl Findings<'_> {
    fn tell(&mut self, what: &str, sign: Sign, found: String) {
        self.out.sign(sign, format_args!("{what}: {found}"));
        self.told.push((what.to_owned(), sign, found));
    }

    fn result<E: std::fmt::Display>(&mut self, what: &str, found: Result<String, E>) {
        match found {
            Ok(found) => self.tell(what, Sign::Done, found),
            Err(error) => self.tell(what, Sign::Failed, error.to_string()),
        }
    }
}

impl SelfCheck {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let now = context.clock.now();
        let journal = context.journal(&settings).await;
        let mut findings = Findings { out: &mut context.out, told: Vec::new() };
        findings.tell("version", Sign::Done, format!("rollbook {}", env!("CARGO_PKG_VERSION")));
        findings.tell("clock", Sign::Done, format!("{now:.0} (compare it with another clock)"));
        let links = counted_as(settings.links.len(), "link", "links");
        let read = format!("{links} over {}", counted_as(settings.sites.len(), "site", "sites"));
        findings.tell("configuration", Sign::Done, read);
        match journal {
            Ok(journal) => check_journal(&journal, &settings, &mut findings).await,
            Err(report) => findings.tell("journal", Sign::Failed, format!("{report:?}")),
        }
        check_links(&settings, &mut findings);
        check_certificates(&mut findings);
        check_listening(&settings, &mut findings);
        let Findings { out, told } = findings;
        let failed = told.iter().any(|(_, sign, _)| *sign == Sign::Failed);
        let list: Vec<_> = told
            .iter()
            .map(|(what, sign, found)| json!({ "what": what, "well": *sign == Sign::Done, "found": found }))
            .collect();
        out.json(&json!({ "checks": list }));
        Ok(if failed { Exit::Failed } else { Exit::Fine })
    }
}

async fn check_journal(journal: &rollbook_journal::Journal, settings: &Settings, findings: &mut Findings<'_>) {
    let place = settings.journal.place.shown();
    match journal.maintenance().check().await {
        Ok(checked) if checked.damage.is_empty() => {
            let found = format!(
                "{place} is intact and writable (schema {}, {})",
                checked.version,
                counted(checked.runs, "run")
            );
            findings.tell("journal", Sign::Done, found);
        }
        Ok(checked) => {
            findings.tell("journal", Sign::Failed, format!("{place} is damaged: {}", checked.damage.join("; ")))
        }
        Err(error) => findings.tell("journal", Sign::Failed, format!("{place}: {error}")),
    }
    if settings.journal.personal_data_kept.is_none() {
        let found = "personal data are kept for ever: set personal_data_kept, and schedule `rollbook prune`";
        findings.tell("retention", Sign::Warning, found.to_owned());
    }
    if let Place::File(path) = &settings.journal.place {
        #[cfg(unix)]
        if let Ok(file) = std::fs::metadata(path) {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077;
            if mode != 0 {
                let found = format!("other users can read {}: chmod 600", path.display());
                findings.tell("journal's mode", Sign::Warning, found);
            }
        }
    }
}

/// Whether each link's clients, templates and policies can be made.
fn check_links(settings: &Settings, findings: &mut Findings<'_>) {
    for found in settings.intakes() {
        let made = setup::make_intake(&found, settings.mail.as_ref()).map(|_| "intake is ready".to_owned());
        findings.result(&format!("link {}", found.link.name), made);
    }
    for found in settings.completions() {
        let made = setup::make_moodle(found.moodle).map(|_| "completions are ready".to_owned());
        findings.result(&format!("link {}", found.link.name), made);
    }
    for found in settings.guilds() {
        let made = setup::make_moodle(found.moodle).map(|_| "guilds are ready".to_owned());
        findings.result(&format!("link {}", found.link.name), made);
    }
}

fn check_certificates(findings: &mut Findings<'_>) {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = "no certificate authorities: install the package ca-certificates";
        findings.tell("certificates", Sign::Failed, why.to_owned());
    } else {
        findings.tell("certificates", Sign::Done, format!("{} certificate authorities trusted", found.certs.len()));
    }
}

fn check_listening(settings: &Settings, findings: &mut Findings<'_>) {
    let address = settings.server.listen;
    match TcpListener::bind(address) {
        Ok(_) => findings.tell("pages", Sign::Done, format!("{address} is free for `rollbook serve`")),
        Err(error) => {
            findings.tell("pages", Sign::Note, format!("{address} is in use (by `rollbook serve`?): {error}"))
        }
    }
}
