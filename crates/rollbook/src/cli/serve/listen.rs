//! The door: a listener, with a certificate of its own or without, and the pages behind it.
//!
//! A slow or foreign handshake is made apart, within its time: it keeps nobody else out.

use super::certificate::{Acceptor, Certificate};
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use axum::serve::{IncomingStream, Listener};
use miette::{IntoDiagnostic, miette};
use rollbook_settings::service::Server;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// A handshake may take so long.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// So many finished handshakes wait to be served.
const WAITING_MAX: usize = 64;
/// After a refusal of the machine (too many open files) it is tried again after so long.
const BREATH: Duration = Duration::from_millis(200);

/// An open door.
pub(in crate::cli) struct Door {
    listener: TcpListener,
    tls: Option<(Certificate, Acceptor)>,
    address: SocketAddr,
}

impl Door {
    /// Opens the configured address, with its certificate where there is one.
    pub(in crate::cli) async fn open(server: &Server) -> miette::Result<Self> {
        let tls = match &server.tls {
            Some(tls) => Some(Certificate::open(tls).await?),
            None => None,
        };
        let listener = TcpListener::bind(server.listen).await.map_err(|error| {
            let help = "is another one serving there? choose another with `listen` in [server]";
            miette!(help = help, "cannot listen on {}: {error}", server.listen)
        })?;
        let address = listener.local_addr().into_diagnostic()?;
        Ok(Self { listener, tls, address })
    }

    /// What a browser here would call it.
    pub(in crate::cli) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop`, and then what is under way.
    pub(in crate::cli) async fn serve(self, router: Router, stop: CancellationToken) -> io::Result<()> {
        let ended = stop.cancelled_owned();
        match self.tls {
            None => {
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(self.listener, service).with_graceful_shutdown(ended).await
            }
            Some((certificate, tls)) => {
                let _following = AbortOnDropHandle::new(tokio::spawn(certificate.follow()));
                let router = router.layer(map_request(tell_peer));
                let service = router.into_make_service_with_connect_info::<Peer>();
                axum::serve(Handshakes::begin(self.listener, tls, self.address), service)
                    .with_graceful_shutdown(ended)
                    .await
            }
        }
    }
}

/// Whose connection it is.
#[derive(Clone, Copy)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Handshakes>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Handshakes>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// The pages know a peer by its address, whether or not it came by TLS.
async fn tell_peer(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(address));
    }
    request
}

/// Connections whose handshake is done.
struct Handshakes {
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Handshakes {
    fn begin(listener: TcpListener, tls: Acceptor, address: SocketAddr) -> Self {
        let (send, done) = mpsc::channel(WAITING_MAX);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    tokio::time::sleep(BREATH).await;
                    continue;
                };
                let (tls, send) = (tls.borrow().clone(), send.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                        let _ = send.send((stream, peer)).await;
                    }
                });
            }
        }));
        Self { done, address, _task: task }
    }
}

impl Listener for Handshakes {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(done) => done,
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
