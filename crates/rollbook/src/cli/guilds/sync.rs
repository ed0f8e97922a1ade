//! `rollbook guilds sync COMMUNITY MOODLE`: both sites are looked at, and Moodle is made to agree.
//!
//! A dry run takes the same way as a real one up to the guards, and every line of it says that it is one.

use super::guilds_of_plan::tell_guilds;
use super::help::Guided;
use super::left::tell_left;
use super::lines::{Lines, count};
use super::status::tell_status;
use super::summary::{as_json, tell_findings, tell_summary};
use crate::cli::flows::{parse_wait, refuse_paused, wait_for_link};
use crate::cli::output::{Progress, Sign};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::SignedDuration;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::SiteName;
use rollbook_core::run::RunState;
use rollbook_journal::Journal;
use rollbook_settings::GuildsLink;
use rollbook_sync::flows::guilds::{
    GuildsFlow, GuildsQuery, GuildsReport, GuildsRequest, MoodleSite, Purpose, Reach, Watch, look_at_guilds,
    make_guilds, run_guilds,
};
use std::error::Error;

/// Bring Moodle's cohorts in line with a community's guilds
#[derive(Debug, Args)]
pub(in crate::cli) struct Sync {
    /// The community's name in the configuration
    community: String,

    /// The Moodle's name in the configuration
    moodle: String,

    /// All guilds (the default)
    #[arg(long, conflicts_with_all = ["guild", "user"])]
    full: bool,

    /// One guild, by machine name, label, number or UUID
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    guild: Option<String>,

    /// One person, by number, user name or mail address: adds and removes that person only
    #[arg(long, value_name = "ID")]
    user: Option<String>,

    /// Show what would be done; change nothing
    #[arg(long)]
    dry_run: bool,

    /// Log every call
    #[arg(short, long)]
    debug: bool,

    /// Wait so long for another run of the link to end, such as 10m; then the exit code is 6
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_wait)]
    wait: SignedDuration,
}

impl Sync {
    pub(in crate::cli) fn debugs(&self) -> bool {
        self.debug
    }

    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let (from, to) = (SiteName::new(self.community.as_str()), SiteName::new(self.moodle.as_str()));
        let found = settings.guild(&from, &to)?;
        let flow = make_guilds(&found, &context.clock)
            .into_diagnostic()
            .wrap_err_with(|| format!("while preparing {}", found.link.name))?;
        let journal = context.journal(&settings).await?;
        if !self.dry_run {
            let link = &found.link.name;
            refuse_paused(&journal, link, &found.link.schedule.timezone).await?;
            wait_for_link(&journal, link, self.wait, &context.clock, &context.stop).await?;
        }
        let told = Told { link: &found, detailed: context.detailed(), members_max: usize::MAX };
        let report = tell_sync(context, &flow, &journal, self.request(context.author()), &told).await?;
        Ok(exit(&report))
    }

    fn request(&self, author: String) -> GuildsRequest {
        let query = match (&self.guild, &self.user) {
            (Some(guild), _) => GuildsQuery::Guild(guild.clone()),
            (None, Some(user)) => GuildsQuery::Person(user.clone()),
            (None, None) => GuildsQuery::All,
        };
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Apply };
        GuildsRequest { query, purpose, author }
    }
}

/// How a synchronisation is told.
pub(in crate::cli) struct Told<'a> {
    /// The link and its sites.
    pub link: &'a GuildsLink<'a>,
    /// Whether each guild and each member is listed, those too who are where they should be.
    pub detailed: bool,
    /// So many members of a guild are listed at most.
    pub members_max: usize,
}

/// Runs a synchronisation and tells it in five steps.
pub(in crate::cli) async fn tell_sync(
    context: &mut Context,
    flow: &GuildsFlow,
    journal: &Journal,
    request: GuildsRequest,
    told: &Told<'_>,
) -> miette::Result<GuildsReport> {
    let purpose = request.purpose;
    let GuildsFlow { from, to, .. } = flow;
    if purpose == Purpose::DryRun {
        context.out.heading("DRY RUN MODE - No changes will be made");
    }
    let what = match &request.query {
        GuildsQuery::All => "all guilds".to_owned(),
        GuildsQuery::Guild(word) => format!("guild {word}"),
        GuildsQuery::Person(word) => format!("user {word}"),
    };
    let mut lines = Lines { out: &mut context.out, purpose };
    lines.line(format_args!("Synchronising {what}: {from} to {to}"));
    lines.step(1, "Validating sites");
    let mut heard = Heard::default();
    let mut watch = |watch: Watch<'_>| hear(watch, &mut lines, &mut heard, flow);
    let outcome = run_guilds(flow, journal, &context.clock, &request, &context.stop, &mut watch).await;
    drop(heard);
    let report = match outcome {
        Ok(report) => report,
        Err(error) => return Err(Guided::new(error, flow).into()),
    };
    tell_report(&report, told, &mut lines);
    lines.step(5, "Updated status");
    let reach = Reach::JournalOnly;
    let status = look_at_guilds(flow, journal, &context.clock, reach).await.into_diagnostic()?;
    tell_status(&status, Some(&report.sites), flow, told.link, context.clock.now(), &mut lines);
    if purpose == Purpose::DryRun {
        lines.sign(Sign::Note, "no changes were made");
    }
    context.out.json(&as_json(&report, flow));
    Ok(report)
}

/// What was heard so far.
#[derive(Default)]
struct Heard {
    bar: Option<Progress>,
    version: Option<u8>,
}

/// Tells what is known as soon as it is.
fn hear(watch: Watch<'_>, lines: &mut Lines<'_>, heard: &mut Heard, flow: &GuildsFlow) {
    let Heard { bar, version } = heard;
    let GuildsFlow { from, to, community_url, moodle, .. } = flow;
    match watch {
        Watch::Community(Ok(site)) => {
            let account = site.access.account.as_deref().map(|uuid| format!(" as {uuid}")).unwrap_or_default();
            let (way, url, took) = (site.access.way, community_url.trim_end_matches('/'), site.answered_ms);
            lines.sign(Sign::Done, format_args!("community {from}: {url} over {way}{account} ({took} ms)"));
            *version = site.access.group_version;
        }
        Watch::Moodle(Ok(site)) => {
            let MoodleSite { name, release, answered_ms } = site;
            let at = moodle.site_url();
            lines.sign(Sign::Done, format_args!("Moodle {to}: {at}, {name}, {release} ({answered_ms} ms)"));
        }
        Watch::Community(Err(error)) => {
            lines.sign(Sign::Failed, format_args!("community {from}: {}", root_cause(error)));
        }
        Watch::Moodle(Err(error)) => lines.sign(Sign::Failed, format_args!("Moodle {to}: {}", root_cause(error))),
        Watch::Seen(community, seen) => {
            lines.step(2, "Checking access to the groups");
            let module = version.map_or_else(|| "Group 1 or 2".to_owned(), |version| format!("Group {version}"));
            lines.sign(Sign::Done, format_args!("module: {module}"));
            let sign = if seen.guilds == 0 { Sign::Warning } else { Sign::Done };
            let (guilds, members) = (count(seen.guilds, "guild"), count(seen.memberships, "member"));
            let people = count(seen.people, "person");
            lines.sign(sign, format_args!("visible to the account: {guilds}, {members}, {people}"));
            for gap in &community.gaps {
                lines.sign(Sign::Warning, format_args!("incomplete: {gap}; nobody is removed"));
            }
            lines.step(3, "Running the synchronisation");
        }
        Watch::Planned(plan) => *bar = Some(lines.out.progress(plan.changes.len() as u64, "changes")),
        Watch::Applied(count) => {
            if let Some(bar) = bar {
                bar.advance(count as u64);
            }
        }
    }
}

/// What is behind an error that only says what was being done.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn tell_report(report: &GuildsReport, told: &Told<'_>, lines: &mut Lines<'_>) {
    if told.detailed || lines.is_dry() {
        tell_guilds(report, told, lines);
    }
    tell_findings(report, lines);
    tell_summary(report, lines);
    tell_left(report, told.detailed, lines);
    lines.step(4, "Completion time");
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
    let seconds = report.duration_ms as f64 / 1000.0;
    let (calls, requests) = (count(report.counts.calls, "call"), count(report.requests, "request"));
    lines.sign(Sign::Done, format_args!("{seconds:.2} s, with {calls} to Moodle and {requests} to the community"));
}

fn exit(report: &GuildsReport) -> Exit {
    match report.state {
        RunState::Done => Exit::Fine,
        RunState::GuardRefused => Exit::Refused,
        RunState::Partly | RunState::Stopped => Exit::Partly,
        RunState::Running | RunState::Failed | RunState::Abandoned => Exit::Failed,
    }
}
