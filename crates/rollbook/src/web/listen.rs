//! Where the pages are reached: a socket, in the clear or with a certificate of its own, until the process stops.
//!
//! A handshake that is slow keeps nobody else waiting, and one that is never finished is given up.

use crate::config::service::{Server, Tls};
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// A handshake may take so long.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So many finished handshakes may wait to be served.
const SHAKEN_MAX: usize = 64;
/// After an accept that failed (too many open files, say) the next try waits so long.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// An address that was taken, not yet served.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl Bound {
    /// Where, as a browser would write it.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }
}

/// Takes the address, and reads the certificate where there is one.
///
/// # Errors
/// Where the address is taken already or not this machine's; where the certificate or its key cannot be read.
pub async fn bind(server: &Server) -> io::Result<Bound> {
    let tls = server.tls.as_ref().map(read_certificate).transpose()?;
    Ok(Bound { listener: TcpListener::bind(server.listen).await?, tls })
}

fn read_certificate(tls: &Tls) -> io::Result<Arc<ServerConfig>> {
    let unusable = |what: &str, error: &dyn std::fmt::Display| io::Error::other(format!("{what}: {error}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificate).and_then(|found| found.collect());
    let chain = chain.map_err(|error| unusable(&tls.certificate.display().to_string(), &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key);
    let key = key.map_err(|error| unusable(&tls.key.display().to_string(), &error))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| unusable("certificate and key", &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves until `stop`; what is being answered then is still answered.
///
/// # Errors
/// Those of the socket.
pub async fn listen(bound: Bound, router: Router, stop: CancellationToken) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<Peer>();
    let Bound { listener, tls } = bound;
    match tls {
        None => axum::serve(Plain(listener), service).with_graceful_shutdown(stop.cancelled_owned()).await,
        Some(config) => {
            let shaken = Shaken::start(listener, config)?;
            axum::serve(shaken, service).with_graceful_shutdown(stop.cancelled_owned()).await
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Connections in the clear.
struct Plain(TcpListener);

impl Listener for Plain {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        accept(&self.0).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Plain>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Plain>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Connections over TLS whose handshake is done.
struct Shaken {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

impl Shaken {
    fn start(listener: TcpListener, config: Arc<ServerConfig>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(config);
        let (done, ready) = mpsc::channel(SHAKEN_MAX);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, peer) = accept(&listener).await;
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => drop(done.send((stream, peer)).await),
                        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                        Err(_) => tracing::debug!("a handshake was not finished"),
                    }
                });
            }
        });
        Ok(Self { ready, address, _accepting: AbortOnDropHandle::new(accepting) })
    }
}

impl Listener for Shaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        self.ready.recv().await.expect("the task that accepts ends with this")
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Shaken>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Shaken>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// The next connection; trouble with one is no reason to stop.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A page is one small write: it shall not wait for another.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection waits to fill its packets");
                }
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}
