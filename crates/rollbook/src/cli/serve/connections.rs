//! How many connections are open at once. Above the limit the one that was unused for longest makes room: a flood of clients that
//! send nothing closes its own connections, and a browser that gets an answer keeps its own.

use axum_server::accept::Accept;
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// More would only cost memory.
const MOST: u64 = 2_048;
/// Fewer would serve nobody.
const LEAST: u64 = 16;
/// Descriptors for logs, timers, and calls to remote systems.
const OTHERS: u64 = 64;
/// A connection to SQLite has the database, its write-ahead log and its shared memory open.
const DESCRIPTORS_PER_JOURNAL_CONNECTION: u64 = 3;

/// How many connections fit below the process's limit of file descriptors, the journal's aside.
pub(super) fn connections_max(journal_connections: u32) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserved = OTHERS + DESCRIPTORS_PER_JOURNAL_CONNECTION * u64::from(journal_connections + 1);
    let fits = limit.saturating_sub(reserved).clamp(LEAST, MOST);
    usize::try_from(fits).unwrap_or(usize::MAX)
}

/// The open connections, by their last use.
#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    uses: u64,
    by_last_use: BTreeMap<u64, CancellationToken>,
}

impl Connections {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, open: Mutex::default() })
    }

    fn enter(self: &Arc<Self>) -> Slot {
        let evicted = CancellationToken::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        while open.by_last_use.len() >= self.max
            && let Some((_, oldest)) = open.by_last_use.pop_first()
        {
            oldest.cancel();
        }
        let last_use = open.add(evicted.clone());
        Slot { connections: self.clone(), last_use, evicted }
    }
}

impl OpenConnections {
    fn add(&mut self, evicted: CancellationToken) -> u64 {
        self.uses += 1;
        self.by_last_use.insert(self.uses, evicted);
        self.uses
    }
}

/// A connection's place among the open ones.
#[derive(Debug)]
struct Slot {
    connections: Arc<Connections>,
    last_use: u64,
    evicted: CancellationToken,
}

impl Slot {
    fn touch(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.by_last_use.remove(&self.last_use).is_some() {
            self.last_use = open.add(self.evicted.clone());
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.by_last_use.remove(&self.last_use);
    }
}

/// Gives each connection its place.
#[derive(Clone, Debug)]
pub(super) struct LimitedAcceptor(Arc<Connections>);

impl LimitedAcceptor {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self(connections)
    }
}

impl<I, S> Accept<I, S> for LimitedAcceptor {
    type Stream = LimitedStream<I>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let slot = self.0.enter();
        let evicted = Box::pin(slot.evicted.clone().cancelled_owned());
        ready(Ok((LimitedStream { stream, slot, evicted }, service)))
    }
}

/// A connection that ends when it must make room. It is used when something is written to it: reading alone is what a slow
/// client causes, too.
#[derive(Debug)]
pub(super) struct LimitedStream<I> {
    stream: I,
    slot: Slot,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<I> LimitedStream<I> {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.evicted.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "too many connections")),
            Poll::Pending => Ok(()),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for LimitedStream<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for LimitedStream<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.slot.touch();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn connection_that_was_unused_for_longest_makes_room() {
        let connections = Connections::new(2);
        let acceptor = LimitedAcceptor::new(connections.clone());
        let accept = async || {
            let (client, server) = duplex(64);
            let (stream, ()) = acceptor.accept(server, ()).await.unwrap();
            (client, stream)
        };
        let (_first_client, mut first) = accept().await;
        let (_second_client, mut second) = accept().await;
        first.write_all(b"an answer").await.unwrap();
        let (mut third_client, mut third) = accept().await;
        assert!(second.read_u8().await.is_err(), "it got no answer yet");
        assert!(second.write_all(b"x").await.is_err());
        first.write_all(b"more").await.unwrap();
        third_client.write_all(b"x").await.unwrap();
        assert_eq!(third.read_u8().await.unwrap(), b'x');
        drop((first, third));
        assert!(connections.open.lock().unwrap().by_last_use.is_empty());
    }

    #[test]
    fn some_descriptors_are_left_for_the_journal() {
        assert!(connections_max(8) >= 16);
        assert!(connections_max(100) <= connections_max(8));
    }
}
