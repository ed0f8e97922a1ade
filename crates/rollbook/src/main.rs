//! The binary: it sets the process up, runs one command, and ends with its exit code.
//!
//! It must never know what a command does. Next: [`rollbook::cli`].

use clap::Parser;
use rollbook::cli::{Cli, Exit};
use rollbook_clock::Clock;
use rollbook_settings::{Env, LOG};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// What a shell shows for a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::system();
    let filter = env.get(LOG).unwrap_or_else(|| level(cli.verbosity()).to_owned());
    let coloured = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = fmt::layer().with_ansi(coloured).with_writer(std::io::stderr).with_filter(EnvFilter::new(filter));
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        tracing_subscriber::registry().with(log).init();
        tracing::error!("the runtime could not be started");
        return Exit::Failed.into();
    };
    let has_tls = rustls::crypto::ring::default_provider().install_default().is_ok();
    let traces = {
        let _inside = runtime.enter();
        traces::start(&cli, &env)
    };
    tracing_subscriber::registry().with(log).with(traces.as_ref().ok().and_then(traces::layer)).init();
    if let Err(error) = &traces {
        tracing::error!(error, "no traces are sent");
    }
    if !has_tls {
        tracing::error!("another TLS provider was installed first");
        return Exit::Failed.into();
    }
    let stop = CancellationToken::new();
    let exit = runtime.block_on(async {
        tokio::spawn(listen(stop.clone()));
        cli.run(Clock::system(), env, stop).await
    });
    traces::end(traces);
    runtime.shutdown_background();
    exit.into()
}

/// What is asked, carried out and called, for a collector of traces; where the configuration names one.
#[cfg(feature = "otlp")]
mod traces {
    use rollbook::cli::Cli;
    use rollbook::otlp::Traces;
    use rollbook_settings::{Env, Settings};
    use tracing::Subscriber;
    use tracing_subscriber::registry::LookupSpan;
    use tracing_subscriber::{EnvFilter, Layer};

    pub type Started = Result<Option<Traces>, String>;

    pub fn start(cli: &Cli, env: &Env) -> Started {
        // What is wrong with the configuration is told by the command that needs it.
        let Ok((settings, _)) = Settings::load(&cli.config_path(env), env) else { return Ok(None) };
        settings.server.otlp_url.map(|url| Traces::start(&url).map_err(|error| error.to_string())).transpose()
    }

    pub fn layer<S>(traces: &Option<Traces>) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // Spans of ours alone, however chatty the log is.
        let ours = EnvFilter::new("off,rollbook=info");
        let traces = traces.as_ref()?;
        Some(tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_filter(ours))
    }

    pub fn end(traces: Started) {
        if let Ok(Some(traces)) = traces {
            traces.end();
        }
    }
}

/// This binary was built without them.
#[cfg(not(feature = "otlp"))]
mod traces {
    use rollbook::cli::Cli;
    use rollbook_settings::Env;
    use tracing_subscriber::layer::Identity;

    pub type Started = Result<Option<Identity>, String>;

    pub fn start(_cli: &Cli, _env: &Env) -> Started {
        Ok(None)
    }

    pub fn layer(traces: &Option<Identity>) -> Option<Identity> {
        traces.clone()
    }

    pub fn end(_traces: Started) {}
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
