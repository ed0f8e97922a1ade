//! The command line: what can be asked of Rollbook, and how the answers leave.
//!
//! A command is one file with three steps: `parse` (its clap struct), `call` (into the rest of Rollbook), `print`. It
//! decides nothing that the web would decide otherwise. Next: [`context`], what each command is given, and [`output`].

mod arguments;
mod context;
mod exit;
mod flows;
mod guilds;
mod mails;
mod maintenance;
pub mod output;
mod people;
mod plans;
mod reading;
mod serve;
mod setup;

pub use context::Context;
pub use exit::Exit;

use arguments::UsageError;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, ColorChoice, Parser, Subcommand};
use output::Output;
use rollbook_clock::Clock;
use rollbook_journal::JournalError;
use rollbook_settings::{Env, NoSuchLink};
use std::path::PathBuf;
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Keeps a Moodle site in sync with HR and community systems.
#[derive(Debug, Parser)]
#[command(name = "rollbook", version, max_term_width = 100, styles = STYLES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Configuration file [default: $ROLLBOOK_CONFIG, else rollbook.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,

    /// More detail; twice: log every call
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    /// When to use colour; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,

    /// Use plain ASCII instead of ✓ ✗ ℹ ⚠ and lines
    #[arg(long, global = true)]
    ascii: bool,

    /// Show every column and value whole, however wide the terminal is
    #[arg(long, global = true)]
    wide: bool,
}

/// The commands, in the order in which a newcomer meets them.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(setup::Demo),
    Init(setup::Init),
    Doctor(setup::Doctor),
    Serve(serve::Serve),
    Links(serve::LinksCommand),
    Intake(flows::IntakeCommand),
    Completions(flows::CompletionsCommand),
    Guilds(guilds::GuildsCommand),
    Mails(mails::MailsCommand),
    Plans(plans::PlansCommand),
    Runs(reading::Runs),
    Log(reading::Log),
    Explain(reading::Explain),
    Attention(reading::AttentionCommand),
    Account(people::AccountCommand),
    Token(people::TokenCommand),
    Import(setup::Import),
    AvcMoodleSync(guilds::Sync),
    SelfCheck(maintenance::SelfCheck),
    Backup(maintenance::Backup),
    Restore(maintenance::Restore),
    Prune(maintenance::Prune),
    CompletionsShell(setup::CompletionsShell),
    #[command(hide = true)]
    ManPages(setup::ManPages),
    Live(Box<setup::Live>),
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightBlue.on_default().bold())
    .usage(AnsiColor::BrightBlue.on_default().bold())
    .literal(AnsiColor::BrightCyan.on_default());

impl Options {
    /// The configuration file: `--config`, else the variable, else `rollbook.toml` here.
    fn config_path(&self, env: &Env) -> PathBuf {
        let named = self.config.clone().or_else(|| env.get(rollbook_settings::CONFIG).map(PathBuf::from));
        named.unwrap_or_else(|| PathBuf::from("rollbook.toml"))
    }
}

impl Cli {
    /// The configuration file that the command reads.
    pub fn config_path(&self, env: &Env) -> PathBuf {
        self.options.config_path(env)
    }

    /// How chatty the log is: 0, 1 or 2 and more.
    pub fn verbosity(&self) -> u8 {
        let debugs = match &self.command {
            Command::Guilds(command) => command.debugs(),
            Command::AvcMoodleSync(command) => command.debugs(),
            _ => false,
        };
        if debugs { self.options.verbose.max(2) } else { self.options.verbose }
    }

    /// Runs the command to its end, printing on the way, and says how it went. `stop` asks it to end soon and safely.
    pub async fn run(self, clock: Clock, env: Env, stop: CancellationToken) -> Exit {
        let Self { options, command } = self;
        let mut context = Context { out: Output::of(&options), options, clock, env, stop, opened: Mutex::default() };
        let outcome = match command {
            Command::Init(command) => command.run(&mut context),
            Command::Demo(command) => command.run(&mut context).await,
            Command::Intake(command) => command.run(&mut context).await,
            Command::Completions(command) => command.run(&mut context).await,
            Command::Guilds(command) => command.run(&mut context).await,
            Command::Mails(command) => command.run(&mut context).await,
            Command::AvcMoodleSync(command) => command.run(&mut context).await,
            Command::Plans(command) => command.run(&mut context).await,
            Command::Runs(command) => command.run(&mut context).await,
            Command::Log(command) => command.run(&mut context).await,
            Command::Explain(command) => command.run(&mut context).await,
            Command::Attention(command) => command.run(&mut context).await,
            Command::Account(command) => command.run(&mut context).await,
            Command::Token(command) => command.run(&mut context).await,
            Command::Import(command) => command.run(&mut context).await,
            Command::Doctor(command) => command.run(&mut context).await,
            Command::Serve(command) => command.run(&mut context).await,
            Command::Links(command) => command.run(&mut context).await,
            Command::SelfCheck(command) => command.run(&mut context).await,
            Command::Backup(command) => command.run(&mut context).await,
            Command::Restore(command) => command.run(&mut context).await,
            Command::Prune(command) => command.run(&mut context).await,
            Command::CompletionsShell(command) => command.run(&mut context),
            Command::ManPages(command) => command.run(&mut context),
            Command::Live(command) => command.run(&mut context).await,
        };
        context.close().await;
        let exit = outcome.unwrap_or_else(|report| {
            context.out.failure(&*report);
            let is_usage =
                report.downcast_ref::<UsageError>().is_some() || report.downcast_ref::<NoSuchLink>().is_some();
            let is_busy = |cause: &(dyn std::error::Error + 'static)| {
                matches!(cause.downcast_ref(), Some(JournalError::LeaseHeld { .. }))
            };
            match () {
                () if is_usage => Exit::Usage,
                () if report.chain().any(is_busy) => Exit::Busy,
                () => Exit::Failed,
            }
        });
        match context.out.finish() {
            Ok(()) => exit,
            Err(error) => {
                context
                    .out
                    .failure(&*miette::miette!(help = "is the disk full?", "the output could not be written: {error}"));
                Exit::Failed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
