//! The right to run a link now: taken before anything else, kept alive while the run works, checked before each write,
//! given back at the end.

use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::{Journal, JournalError, Lease};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long a lease lasts without a sign of life, and how long the run may take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// After this time without renewal another process may take the link over.
    pub lease: SignedDuration,
    /// A run that takes longer is stopped safely; `None` for one that somebody watches.
    pub limit: Option<Duration>,
}

/// A lease that is renewed for as long as this lives. A run that is dropped takes its heartbeat with it: a lease that
/// outlived its run would keep every other run out.
pub struct LeaseGuard {
    journal: Journal,
    clock: Clock,
    lease: Lease,
    lasts: SignedDuration,
    stop: CancellationToken,
    _heartbeat: AbortOnDropHandle<()>,
    _limit: Option<AbortOnDropHandle<()>>,
}

impl LeaseGuard {
    /// Takes the lease of a link and starts to renew it, three times in the time that it lasts.
    ///
    /// # Errors
    /// [`JournalError::LeaseHeld`] says who holds it and since when.
    pub async fn take(
        journal: &Journal,
        link: &LinkName,
        timing: Timing,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> Result<Self, JournalError> {
        let Timing { lease: lasts, limit } = timing;
        let lease = journal.leases().acquire(link, &holder(), lasts, clock.now()).await?;
        let stop = stop.child_token();
        let renewing = renew(journal.clone(), lease.clone(), lasts, clock.clone(), stop.clone());
        let limiting = limit.map(|limit| AbortOnDropHandle::new(tokio::spawn(stop_after(limit, stop.clone()))));
        Ok(Self {
            journal: journal.clone(),
            clock: clock.clone(),
            lease,
            lasts,
            stop,
            _heartbeat: AbortOnDropHandle::new(tokio::spawn(renewing)),
            _limit: limiting,
        })
    }

    /// The lease, as the journal's own writes want it.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Cancelled when a stop is asked for, the time is over, or the lease is lost.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Proves by the journal that the lease is held now and for half of its time to come. Asked before every batch of
    /// writes: a process that slept through the end of its lease sends nothing.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`], which also stops the run.
    pub async fn check(&self) -> Result<(), JournalError> {
        let held = self.journal.leases().hold(&self.lease, self.lasts, self.clock.now()).await;
        if matches!(held, Err(JournalError::LeaseLost { .. })) {
            self.stop.cancel();
        }
        held
    }

    /// Gives the lease back. A lease that cannot be given back ends by itself.
    pub async fn release(self) {
        let Self { journal, lease, .. } = self;
        if let Err(error) = journal.leases().release(lease).await {
            tracing::warn!(%error, "a lease could not be given back; it ends by itself");
        }
    }
}

/// This process, as shown to others.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("process {} on {}", std::process::id(), host.trim())
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

async fn stop_after(limit: Duration, stop: CancellationToken) {
    tokio::time::sleep(limit).await;
    tracing::warn!("the run takes longer than its limit: it is asked to stop safely");
    stop.cancel();
}
