//! The right to run a link now: taken before anything else, kept alive while the run works, given back after it.

use jiff::SignedDuration;
use rollbook_clock::{Clock, Timer};
use rollbook_core::model::LinkName;
use rollbook_core::run::OVERDUE;
use rollbook_journal::{Journal, JournalError, Lease};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Takes the lease of a link.
///
/// # Errors
/// [`JournalError::LeaseHeld`] says who holds it and since when.
pub async fn take_lease(
    journal: &Journal,
    link: &LinkName,
    lasts: SignedDuration,
    clock: &Clock,
) -> Result<Lease, JournalError> {
    journal.leases().acquire(link, &holder(), lasts, clock.now()).await
}

/// This process, as others are told of it.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("process {} on {}", std::process::id(), host.trim())
}

/// Renews a lease while a run works, and asks the run to stop when the lease is lost. A run that is dropped takes its
/// heartbeat with it: a lease that outlived its run would keep every other out.
pub struct Heartbeat {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
    limit: Option<AbortOnDropHandle<()>>,
    journal: Journal,
    lease: Lease,
}

impl Heartbeat {
    /// Starts to renew, three times in the time that the lease lasts.
    pub fn start(
        journal: &Journal,
        lease: &Lease,
        lasts: SignedDuration,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> Self {
        let stop = stop.child_token();
        let renewing = renew(journal.clone(), lease.clone(), lasts, clock.clone(), stop.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(renewing));
        Self { stop, task, limit: None, journal: journal.clone(), lease: lease.clone() }
    }

    /// Also asks the run to stop once it has taken so long.
    #[must_use]
    pub fn within(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit.map(|limit| {
            let stop = self.stop.clone();
            AbortOnDropHandle::new(tokio::spawn(async move {
                tokio::time::sleep(limit).await;
                tracing::warn!("the run takes longer than its limit: it is asked to stop safely");
                stop.cancel();
            }))
        });
        self
    }

    /// Cancelled when a stop is asked for or the lease is lost.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Gives the lease back. A lease that cannot be given back ends by itself.
    pub async fn end(self) {
        let Self { task, journal, lease, .. } = self;
        task.abort();
        if let Err(error) = journal.leases().release(lease).await {
            tracing::warn!(%error, "a lease could not be given back; it ends by itself");
        }
    }
}

/// Why a run that was stopped did not go on, for those who read its row: before whatever else is to be said of it.
pub fn told_stop(began: &Timer, limit: Option<Duration>, more: &str) -> String {
    let why = match limit.filter(|limit| began.elapsed() >= *limit) {
        Some(limit) => format!("{OVERDUE} {:#}", SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)),
        None => "it was asked to stop".to_owned(),
    };
    let more = if more.is_empty() { String::new() } else { format!("; {more}") };
    format!("{why} and stopped safely: the next run goes on where it ended{more}")
}

async fn renew(journal: Journal, lease: Lease, lasts: SignedDuration, clock: Clock, stop: CancellationToken) {
    let pause = Duration::try_from(lasts / 3).unwrap_or(Duration::from_secs(10));
    loop {
        tokio::time::sleep(pause).await;
        match journal.leases().renew(&lease, lasts, clock.now()).await {
            Ok(()) => {}
            Err(error @ JournalError::LeaseLost { .. }) => {
                tracing::error!(%error, "the run stops");
                return stop.cancel();
            }
            Err(error) => tracing::warn!(%error, "the lease could not be renewed; it is tried again"),
        }
    }
}
