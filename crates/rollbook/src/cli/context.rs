//! What a command is given: the time, the environment, the output, the configuration, and the wish to stop.
//!
//! Next: [`super::output`].

use super::Options;
use super::output::Output;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_clock::Clock;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_settings::service::Place;
use rollbook_settings::{Env, Settings};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// What a command is given.
#[derive(Debug)]
pub struct Context {
    pub(super) options: Options,
    /// The time.
    pub clock: Clock,
    /// The environment, for the configuration.
    pub env: Env,
    /// Cancelled when the command shall end soon and safely.
    pub stop: CancellationToken,
    /// Where answers go.
    pub out: Output,
    /// The journals that the command opened.
    pub(super) opened: Mutex<Vec<Journal>>,
}

impl Context {
    /// The configuration file: `--config`, else the variable, else `rollbook.toml` here.
    pub fn config_path(&self) -> PathBuf {
        self.options.config_path(&self.env)
    }

    /// Reads the configuration; its warnings go to standard error.
    pub fn settings(&mut self) -> miette::Result<Settings> {
        let (settings, warnings) = Settings::load(&self.config_path(), &self.env)?;
        for warning in &warnings {
            self.out.failure(warning);
        }
        Ok(settings)
    }

    /// Opens the journal that the configuration names.
    pub async fn journal(&self, settings: &Settings) -> miette::Result<Journal> {
        let options = OpenOptions { readers_max: settings.journal.connections_max, ..OpenOptions::default() };
        let address = match &settings.journal.place {
            Place::File(path) => path.display().to_string(),
            Place::Postgres(url) => url.expose().to_owned(),
        };
        let doing = || format!("while opening the journal {}", settings.journal.place.shown());
        let journal = Journal::open(&address, &options).await.into_diagnostic().wrap_err_with(doing)?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(journal.clone());
        Ok(journal)
    }

    /// Closes the journals that the command opened: dropped, they would leave their newest entries in the side file alone.
    pub(super) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for journal in opened {
            journal.close().await;
        }
    }

    /// Who acts, as the journal is told: the person at the keyboard.
    pub fn author(&self) -> String {
        self.env.person().unwrap_or_else(|| "command line".to_owned())
    }

    /// Who decides something that has to have a name: the one who was named, else the person at the keyboard.
    pub fn decider(&self, named: Option<&String>) -> miette::Result<String> {
        let by = named.cloned().or_else(|| self.env.person());
        by.ok_or_else(|| miette!(help = "give it with --by NAME", "the name of the person who decides is missing"))
    }

    /// Whether `-v` asked for the details.
    pub fn detailed(&self) -> bool {
        self.options.verbose > 0
    }
}
