//! The listener, with a certificate of its own or without, and the pages behind it.
//!
//! A slow handshake, header or body has its time, and there are never more connections than the process has file descriptors
//! for: the journal needs some, too.

use super::certificate::Certificate;
use super::connections::{Connections, LimitedAcceptor, connections_max};
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsAcceptor;
use miette::{IntoDiagnostic, miette};
use rollbook_settings::service::Server;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// A handshake may take so long.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// So long a client may take to send a request's header, and to send its next request on an open connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// An address that is listened on.
pub(in crate::cli) struct HttpListener {
    listener: TcpListener,
    certificate: Option<Certificate>,
    address: SocketAddr,
    connections: Arc<Connections>,
    stop_limit: Duration,
}

impl HttpListener {
    /// Opens the configured address, with its certificate where there is one.
    pub(in crate::cli) async fn open(server: &Server, journal_connections: u32) -> miette::Result<Self> {
        let certificate = match &server.tls {
            Some(tls) => Some(Certificate::open(tls).await?),
            None => None,
        };
        let listener = TcpListener::bind(server.listen).map_err(|error| {
            let help = "is another process listening there? choose another address with `listen` in [server]";
            miette!(help = help, "cannot listen on {}: {error}", server.listen)
        })?;
        let address = listener.local_addr().into_diagnostic()?;
        let connections = Connections::new(connections_max(journal_connections));
        Ok(Self { listener, certificate, address, connections, stop_limit: server.stop_limit })
    }

    /// The address as a browser on this machine calls it.
    pub(in crate::cli) fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop`, and then finishes what is in progress.
    pub(in crate::cli) async fn serve(self, router: Router, stop: CancellationToken) -> io::Result<()> {
        let handle = Handle::new();
        let shutdown = {
            let (handle, stop_limit) = (handle.clone(), self.stop_limit);
            async move {
                stop.cancelled_owned().await;
                handle.graceful_shutdown(Some(stop_limit));
            }
        };
        let _shutdown = AbortOnDropHandle::new(tokio::spawn(shutdown));
        let mut server = axum_server::from_tcp(self.listener)?.handle(handle).http1_only();
        server.http_builder().http1().header_read_timeout(HEADER_TIMEOUT);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let limited = LimitedAcceptor::new(self.connections);
        match self.certificate {
            None => server.acceptor(limited).serve(service).await,
            Some(certificate) => {
                let acceptor = RustlsAcceptor::new(certificate.config()).handshake_timeout(HANDSHAKE_TIMEOUT);
                let _reload = AbortOnDropHandle::new(tokio::spawn(certificate.reload()));
                server.acceptor(acceptor.acceptor(limited)).serve(service).await
            }
        }
    }
}
