//! `rollbook demo`: a whole afternoon in half a minute, on loopback.
//!
//! It starts the sandbox (feed, Moodle, community, mail) with a made-up world, writes an ordinary configuration and an
//! ordinary journal into a folder, and then runs what anybody would run: the product's own clients, its own SQLite file.
//! Nothing in it is staged but the world. Next: `crates/sandbox`, which plays the other side.

use crate::cli::flows::{Shown, print_report, tell_completions};
use crate::cli::guilds::tell_demo;
use crate::cli::output::{Output, Sign};
use crate::cli::people::login_link;
use crate::cli::serve::{HttpListener, serve_here};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{LinkName, counted};
use rollbook_core::run::RunState;
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, MOODLE_TOKEN, Sandbox, World, demo};
use rollbook_settings::Settings;
use rollbook_settings::service::RoleName;
use rollbook_sync::flows::deliver::{MailDelivery, deliver_mails};
use rollbook_sync::flows::intake::{IntakeQuery, IntakeReport, IntakeRequest, Purpose, run_intake};
use rollbook_sync::flows::setup;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The demo's world is always the same.
const SEED: u64 = 2026;
const LINK: &str = "demo";
const MOODLE: &str = "learning";
const COMMUNITY: &str = "avc";
const COMPLETIONS: &str = "done";
/// The account of whoever looks at the demo.
const VISITOR: &str = "demo";
const VISIT_MINUTES: i64 = 24 * 60;
const USUAL_PORT: u16 = 8350;

/// Try Rollbook with a simulated Moodle, ELM, community and mail server
#[derive(Debug, Args)]
pub(in crate::cli) struct Demo {
    /// Folder for the configuration and the journal [default: a new temporary folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Stop after the runs, instead of serving the pages until Ctrl-C
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let now = context.clock.now();
        let folder = self
            .folder
            .unwrap_or_else(|| context.env.temporary_folder().join(format!("rollbook-demo-{}", now.as_second())));
        std::fs::create_dir_all(&folder).into_diagnostic().wrap_err("while making the demo's folder")?;
        let sandbox =
            Sandbox::start(World::demo(SEED, now)).await.into_diagnostic().wrap_err("while starting the sandbox")?;
        let config = write_config(&folder, &sandbox, now)?;
        introduce(&sandbox, &config, &mut context.out);
        let exit = tell(context, &sandbox, &config).await?;
        if !self.once && context.out.is_human() && context.out.is_terminal() {
            serve_demo(context, &config).await?;
        }
        sandbox.stop().await;
        Ok(exit)
    }
}

/// Ends in what anybody would run: the process with its pages, over the made-up sites, with a way in for whoever started it.
async fn serve_demo(context: &mut Context, config: &Path) -> miette::Result<()> {
    let (settings, _) = Settings::load(config, &context.env)?;
    let settings = Arc::new(settings);
    let journal = context.journal(&settings).await?;
    let listener = HttpListener::open(&settings.server, settings.journal.connections_max).await?;
    let now = context.clock.now();
    if journal.accounts().find(VISITOR).await.into_diagnostic()?.is_none() {
        journal.accounts().add(VISITOR, RoleName::Administrator, None, VISITOR, now).await.into_diagnostic()?;
    }
    let link = login_link(&settings, &journal, (VISITOR, VISIT_MINUTES), VISITOR, now).await?;
    context.out.heading("The dashboard (Ctrl-C stops it and the simulated sites)");
    context.out.sign(Sign::Note, format_args!("sign in once with:\n  {link}"));
    serve_here(context, settings, journal, Some(listener)).await.map(drop)
}

/// A free port on loopback: the usual one, else any.
fn free_port() -> u16 {
    let any = |port| std::net::TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr());
    any(USUAL_PORT).or_else(|_| any(0)).map_or(USUAL_PORT, |address| address.port())
}

fn introduce(sandbox: &Sandbox, config: &Path, out: &mut Output) {
    out.heading("Rollbook demo");
    let (people, courses, records) = {
        let world = sandbox.world();
        (world.moodle.users.len(), world.moodle.courses.len(), world.elm.rows.len())
    };
    out.sign(
        Sign::Done,
        format_args!("a simulated Moodle with {people} accounts and {courses} courses:\n  {}", sandbox.moodle_url()),
    );
    out.sign(
        Sign::Done,
        format_args!("a simulated ELM with {records} records of the last two hours:\n  {}", sandbox.feed_url()),
    );
    out.sign(Sign::Done, format_args!("a mail server that keeps every mail:\n  {}", sandbox.smtp_url()));
    out.sign(Sign::Note, format_args!("an ordinary configuration:\n  {}", config.display()));
}

/// Two runs, a look at what is left, and where to look further.
async fn tell(context: &mut Context, sandbox: &Sandbox, config: &Path) -> miette::Result<Exit> {
    let settings = {
        let (settings, _) = Settings::load(config, &context.env)?;
        settings
    };
    let journal = context.journal(&settings).await?;
    let mut state = RunState::Done;
    for what in ["The first run", "The second run: nothing is new, and no record is processed twice"] {
        context.out.heading(what);
        let (report, mails) = run_once(context, &settings, &journal).await?;
        let link = settings.intake(&LinkName::new(LINK))?.link;
        let shown = Shown { link: LINK, purpose: Purpose::Apply, zone: &link.schedule.timezone, detailed: false };
        print_report(&report, Some(&mails), &shown, &mut context.out);
        state = report.state;
    }
    tell_completions(context, sandbox, &settings, &journal, COMPLETIONS).await?;
    tell_demo(context, sandbox, &settings, &journal, (COMMUNITY, MOODLE)).await?;
    let received = sandbox.world().mail.mails.len();
    context.out.heading("What the other systems saw");
    context.out.sign(Sign::Done, format_args!("the mail server received {}", counted(received, "welcome mail")));
    context.out.sign(Sign::Done, format_args!("Moodle received {} calls in total", sandbox.calls().total()));
    look_further(sandbox, config, &mut context.out);
    match state {
        RunState::Done | RunState::Partly => Ok(Exit::Fine),
        _ => Err(miette!("the demo's second run ended as {state}")),
    }
}

async fn run_once(
    context: &Context,
    settings: &Settings,
    journal: &rollbook_journal::Journal,
) -> miette::Result<(IntakeReport, MailDelivery)> {
    let found = settings.intake(&LinkName::new(LINK))?;
    let flow = setup::make_intake(&found, settings.mail.as_ref()).into_diagnostic()?;
    let request = IntakeRequest { purpose: Purpose::Apply, query: IntakeQuery::New, author: "demo".to_owned() };
    let report = run_intake(&flow, journal, &context.clock, &request, &context.stop).await.into_diagnostic()?;
    let mail = settings.mail.as_ref().ok_or_else(|| miette!("the demo's configuration has no [mail]"))?;
    let smtp = setup::make_smtp(mail).into_diagnostic()?;
    let mails = deliver_mails(journal, &smtp, &context.clock, &context.stop).await.into_diagnostic()?;
    Ok((report, mails))
}

fn look_further(sandbox: &Sandbox, config: &Path, out: &mut Output) {
    let (guid, course) = somebody_in_doubt(sandbox);
    out.heading("Look further (in another terminal, while this one runs)");
    for command in [
        format!("export ROLLBOOK_CONFIG={}", config.display()),
        "rollbook attention".to_owned(),
        "rollbook log --status error".to_owned(),
        format!("rollbook explain --course {course} --person {guid}"),
        format!("rollbook completions list {COMPLETIONS}"),
        format!("rollbook guilds status {COMMUNITY} {MOODLE}"),
        format!("rollbook guilds sync {COMMUNITY} {MOODLE} --guild=data --dry-run"),
        "rollbook doctor".to_owned(),
    ] {
        out.command(command);
    }
}

fn write_config(folder: &Path, sandbox: &Sandbox, now: Timestamp) -> miette::Result<PathBuf> {
    let path = folder.join("rollbook.toml");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .into_diagnostic()
        .wrap_err("while writing the demo's configuration")?;
    file.write_all(config_text(sandbox, now).as_bytes()).into_diagnostic()?;
    Ok(path)
}

fn config_text(sandbox: &Sandbox, now: Timestamp) -> String {
    // Completions of yesterday count too: some people had finished before this began.
    let yesterday = (now - SignedDuration::from_hours(24)).to_zoned(TimeZone::UTC).date();
    format!(
        r#"# The demo's configuration: an ordinary one. `rollbook init` writes one with every key explained.
timezone = "America/Vancouver"

[journal]
url = "sqlite:rollbook.sqlite"

[server]
listen = "127.0.0.1:{port}"

[mail]
smtp = "{smtp}"
from = "Learning Centre <learning@example.org>"

[site.elm]
kind = "elm"
feed_url = "{feed}"
token = "{elm_token}"

[site.elm.completion]
url = "{completions}"
lookup_url = "{completions}"

[site.learning]
kind = "moodle"
url = "{moodle}"
token = "{moodle_token}"

[site.{COMMUNITY}]
kind = "community"
url = "{community}"
sentinel = "{member}"

[site.{COMMUNITY}.auth]
kind = "basic"
user = "{community_user}"
password = "{community_password}"

[link.guilds]
flow = "guilds"
from = "{COMMUNITY}"
to = "{MOODLE}"
machine_name_field = "field_machine_name"

[link.{LINK}]
flow = "intake"
from = "elm"
to = "learning"
protected = ["{protected}"]

[link.{COMPLETIONS}]
flow = "completions"
from = "learning"
to = "elm"
report_from = "{yesterday}"
concurrency = 1
backoff = {{ first = "1s" }}

[link.{LINK}.welcome]
mode = "rollbook"
signature = "The Learning Centre"
"#,
        port = free_port(),
        smtp = sandbox.smtp_url(),
        feed = sandbox.feed_url(),
        completions = sandbox.completion_url(),
        elm_token = ELM_TOKEN,
        moodle = sandbox.moodle_url(),
        moodle_token = MOODLE_TOKEN,
        protected = demo::cases::ADMINISTRATOR.guid,
        community = sandbox.community_url(),
        community_user = COMMUNITY_USER,
        community_password = COMMUNITY_PASSWORD,
        member = demo::guilds::LOUD,
    )
}

/// The person of the made-up world whose GUID changed, and the course that the feed names for them.
fn somebody_in_doubt(sandbox: &Sandbox) -> (&'static str, String) {
    let guid = demo::cases::CHANGED_GUID.guid;
    let world = sandbox.world();
    let row = world.elm.rows.iter().find(|row| row["GUID"].as_str() == Some(guid));
    (guid, row.map(|row| row["COURSE_IDENTIFIER"].to_string()).unwrap_or_default())
}
