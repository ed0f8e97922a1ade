//! `rollbook serve`: the process that runs every link on its schedule, shows people what happened, and takes what they ask.
//!
//! Next: [`crate::schedule`], what it does, and [`links`], how a link is paused.

mod links;

pub(super) use links::LinksCommand;

use super::output::Sign;
use super::{Context, Exit};
use crate::config::Settings;
use crate::schedule::{Node, Systemd, serve};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Notify;

/// Run every link on its schedule and serve the pages, until a signal ends it
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Run the schedule and what people ask for, and listen nowhere
    #[arg(long)]
    no_pages: bool,
}

impl Serve {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = Arc::new(context.settings()?);
        let journal = context.journal(&settings).await?;
        let systemd = Arc::new(Systemd::find(&context.env));
        let wake = Arc::new(Notify::new());
        let listens = "nowhere";
        let node = Node::new(settings.clone(), journal.clone(), context.clock.clone(), listens, wake);
        tell(context, &node, &settings);
        let served = serve(&node, &systemd, &context.stop).await;
        served.into_diagnostic().wrap_err("while beginning to serve")?;
        journal.close().await;
        context.out.sign(Sign::Done, "stopped");
        Ok(Exit::Fine)
    }
}

/// What is served, and what should worry.
fn tell(context: &mut Context, node: &Node, settings: &Settings) {
    let now = context.clock.now();
    context.out.heading(format_args!("rollbook {} serves on {}", env!("CARGO_PKG_VERSION"), node.listens));
    context.out.sign(Sign::Note, format_args!("node {}, journal {}", node.name, settings.journal.place.shown()));
    for (name, link) in &settings.links {
        let schedule = link.schedule();
        let zone = &schedule.timezone;
        let next = schedule.next_after(now).filter(|_| schedule.enabled);
        let next = next.map_or_else(
            || "never by itself".to_owned(),
            |next| format!("next {}", next.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z")),
        );
        context.out.sign(Sign::Done, format_args!("{name} ({}): {}, {next}", link.flow(), schedule.text));
    }
    if settings.links.is_empty() {
        context.out.sign(Sign::Warning, "the configuration has no link: nothing will be run");
    }
    let links: Vec<_> = settings.links.keys().collect();
    context.out.json(&json!({ "listens": node.listens, "node": node.name, "links": links }));
}
