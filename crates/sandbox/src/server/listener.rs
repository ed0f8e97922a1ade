//! A listener whose connections can be reset from outside, in the middle of anything.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The handle that resets one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<CutState>);

#[derive(Debug, Default)]
struct CutState {
    cut: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Cut {
    /// Resets the connection: the peer sees a TCP reset, whatever was under way.
    pub(crate) fn now(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        let waiting = self.0.waiting.lock();
        if let Some(waker) = waiting.unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    fn check(&self, context: &Context<'_>, stream: &TcpStream) -> io::Result<()> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = Some(context.waker().clone());
        if !self.0.cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        stream.set_zero_linger()?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

/// All connections of one listener that still live.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cuts(Arc<Mutex<Vec<Weak<CutState>>>>);

impl Cuts {
    fn remember(&self, cut: &Cut) {
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|other| other.strong_count() > 0);
        live.push(Arc::downgrade(&cut.0));
    }

    pub(crate) fn all_now(&self) {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for state in live.iter().filter_map(Weak::upgrade) {
            Cut(state).now();
        }
    }
}

/// Accepts connections that can be cut.
#[derive(Debug)]
pub(crate) struct CutListener {
    inner: TcpListener,
    cuts: Cuts,
}

impl CutListener {
    pub(crate) fn new(inner: TcpListener, cuts: Cuts) -> Self {
        Self { inner, cuts }
    }
}

impl Listener for CutListener {
    type Io = CutStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CutStream, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.inner).await;
        // Small answers must not wait for the client's acknowledgement; a failure only costs time.
        let _slower = stream.set_nodelay(true);
        let cut = Cut::default();
        self.cuts.remember(&cut);
        (CutStream { stream, cut }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

impl Connected<IncomingStream<'_, CutListener>> for Cut {
    fn connect_info(incoming: IncomingStream<'_, CutListener>) -> Self {
        incoming.io().cut.clone()
    }
}

/// A connection that fails with a reset once it was cut.
#[derive(Debug)]
pub(crate) struct CutStream {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cut.check(context, &self.stream)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check(context, &self.stream)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
