//! The binary: it sets the process up, runs one command, and ends with its exit code.
//!
//! It must never know what a command does. Next: [`rollbook::cli`].

use clap::Parser;
use rollbook::cli::{Cli, Exit};
use rollbook::clock::Clock;
use rollbook::config::{Env, LOG};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// What a shell shows for a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::system();
    let filter = env.get(LOG).unwrap_or_else(|| level(cli.verbosity()).to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::error!("another TLS provider was installed first");
        return Exit::Failed.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not be started");
            return Exit::Failed.into();
        }
    };
    let stop = CancellationToken::new();
    let exit = runtime.block_on(async {
        tokio::spawn(listen(stop.clone()));
        cli.run(Clock::system(), env, stop).await
    });
    runtime.shutdown_background();
    exit.into()
}

/// The log's filter for so many `-v`.
fn level(verbosity: u8) -> &'static str {
    match verbosity {
        0 => "warn",
        1 => "warn,rollbook=info",
        2 => "info,rollbook=debug",
        _ => "debug,rollbook=trace",
    }
}

/// Cancels `stop` at the first SIGINT or SIGTERM, and ends the process at the second.
async fn listen(stop: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals cannot be heard: a stop will not be a soft one");
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_cancelled() {
            std::process::exit(INTERRUPTED);
        }
        tracing::warn!("stopping safely; a second signal stops at once");
        stop.cancel();
    }
}
