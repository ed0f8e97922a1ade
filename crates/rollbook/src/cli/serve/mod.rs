//! `rollbook serve`: the process that runs every link on its schedule, shows people what happened, and takes what they ask.
//!
//! Next: [`rollbook_sync::scheduler`], what it does, and [`links`], how a link is paused.

mod certificate;
mod connections;
mod links;
mod listener;

pub(super) use links::LinksCommand;
pub(super) use listener::HttpListener;

use super::output::Sign;
use super::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use rollbook_sync::scheduler::{Node, Systemd, serve};
use rollbook_web::{WebState, router};
use serde_json::json;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Run every link on its schedule and serve the dashboard
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Run the schedule and requested jobs, without the dashboard
    #[arg(long)]
    no_pages: bool,
}

impl Serve {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = Arc::new(context.settings()?);
        let journal = context.journal(&settings).await?;
        let listener = if self.no_pages {
            None
        } else {
            Some(HttpListener::open(&settings.server, settings.journal.connections_max).await?)
        };
        // Heard from here on, whether or not there is a certificate to read again: who reloads a service does not mean to end it.
        let _reload = signal(SignalKind::hangup()).into_diagnostic().wrap_err("while installing signal handlers")?;
        serve_here(context, settings, journal, listener).await
    }
}

/// Serves until the process is asked to stop.
pub(super) async fn serve_here(
    context: &mut Context,
    settings: Arc<Settings>,
    journal: Journal,
    listener: Option<HttpListener>,
) -> miette::Result<Exit> {
    let systemd = Arc::new(Systemd::find(&context.env));
    let wake = Arc::new(Notify::new());
    let listens = listener.as_ref().map_or_else(|| "nowhere".to_owned(), HttpListener::url);
    let node = Node::new(settings.clone(), journal.clone(), context.clock.clone(), &listens, wake.clone());
    announce(context, &node, &settings);
    let state = WebState::new(settings.clone(), journal.clone(), context.clock.clone(), wake);
    let state = with_sign_on(state.until(context.stop.clone()))?;
    let pages = listener.map(|listener| tokio::spawn(listener.serve(router(state), context.stop.clone())));
    let served = serve(&node, &systemd, &context.stop).await;
    // Without a stop there is no end of the pages to wait for.
    context.stop.cancel();
    if let Some(pages) = pages
        && let Ok(Ok(Err(error))) = tokio::time::timeout(settings.server.stop_limit, pages).await
    {
        tracing::error!(%error, "the pages ended with an error");
    }
    served.into_diagnostic().wrap_err("while starting the server")?;
    journal.close().await;
    context.out.sign(Sign::Done, "stopped");
    Ok(Exit::Fine)
}

/// Gives the pages their way to the issuer of single sign-on, where there is one.
fn with_sign_on(state: WebState) -> miette::Result<WebState> {
    use crate::issuer::IssuerClient;
    use rollbook_web::auth::sign_on::{FetchError, HttpRequest, HttpResponse};
    let Some(oidc) = &state.settings.server.oidc else { return Ok(state) };
    let client = IssuerClient::new(&oidc.issuer).into_diagnostic().wrap_err("while setting up single sign-on")?;
    Ok(state.with_sign_on(Arc::new(move |HttpRequest { method, url, headers, body }| {
        let client = client.clone();
        Box::pin(async move {
            let answer = client.fetch(method, &url, &headers, body).await;
            let answer = answer.map_err(|fault| FetchError(Box::new(fault)))?;
            Ok(HttpResponse { status: answer.status, body: answer.body })
        })
    })))
}

/// What is served, and what should worry.
fn announce(context: &mut Context, node: &Node, settings: &Settings) {
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
    if settings.server.in_the_clear() {
        let words = "passwords cross the network in the clear: put a proxy with https before it and set `public_url`, or give it [server.tls]";
        context.out.sign(Sign::Warning, words);
    }
    if let Some(warning) = settings.server.tls.as_ref().and_then(|tls| certificate::exposed_key(&tls.key)) {
        context.out.sign(Sign::Warning, warning);
    }
    if settings.server.counts_logins_by_proxy() {
        let warning = "failed logins of all people are counted as of one address: name the proxy in `trusted_proxies` of [server]";
        context.out.sign(Sign::Warning, warning);
    }
    if settings.links.is_empty() {
        context.out.sign(Sign::Warning, "the configuration has no links: nothing will run");
    }
    let links: Vec<_> = settings.links.keys().collect();
    context.out.json(&json!({ "listens": node.listens, "node": node.name, "links": links }));
}
