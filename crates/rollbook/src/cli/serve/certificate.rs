//! The server's own certificate: read at the start, and again whenever its files change, so that a renewed one needs no restart.
//!
//! The files are looked at every ten seconds and at SIGHUP. What cannot be used is told in the log, and the pair that was good stays:
//! a renewal that is half written, or wrong, shuts nobody out.

use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::report::with_causes;
use rollbook_settings::service::Tls;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What handshakes are made with, now and later.
pub(super) type Acceptor = watch::Receiver<TlsAcceptor>;

/// A certificate that follows its files.
pub(super) struct Certificate {
    tls: Tls,
    /// What was read last, whether or not it could be used.
    read: Option<Pair>,
    /// Why the files could not be read, as it was told; empty once they could.
    trouble: String,
    used: watch::Sender<TlsAcceptor>,
}

#[derive(PartialEq, Eq)]
struct Pair {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads it for the first time.
    pub(super) async fn open(tls: &Tls) -> miette::Result<(Self, Acceptor)> {
        let pair = read(tls).await?;
        let (used, acceptor) = watch::channel(make(&pair, tls)?);
        Ok((Self { tls: tls.clone(), read: Some(pair), trouble: String::new(), used }, acceptor))
    }

    /// Follows the files for as long as handshakes are made.
    pub(super) async fn follow(mut self) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return tracing::warn!("signals cannot be heard: a renewed certificate needs a restart");
        };
        loop {
            tokio::select! {
                () = self.used.closed() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = hangup.recv() => self.read = None,
            }
            self.look().await;
        }
    }

    /// Looks at the files once; takes what is new in them, if it can be used.
    async fn look(&mut self) {
        let pair = match read(&self.tls).await {
            Ok(pair) => pair,
            Err(error) => {
                // A file that is being replaced is there at the next look; of one that stays away it is told once.
                let error = told(&error);
                if self.trouble != error {
                    tracing::error!(error, "the certificate cannot be read; the one in use stays");
                }
                self.trouble = error;
                return;
            }
        };
        self.trouble.clear();
        if self.read.as_ref() == Some(&pair) {
            return;
        }
        match make(&pair, &self.tls) {
            Ok(acceptor) => {
                self.used.send_replace(acceptor);
                tracing::info!("another certificate was found, and is used from now on");
            }
            Err(error) => {
                tracing::error!(error = told(&error), "the new certificate cannot be used; the one in use stays");
            }
        }
        self.read = Some(pair);
    }
}

async fn read(tls: &Tls) -> miette::Result<Pair> {
    let file = async |what: &str, path: &Path| {
        let bytes = tokio::fs::read(path).await.into_diagnostic();
        bytes.wrap_err_with(|| format!("while reading the {what} {}", path.display()))
    };
    Ok(Pair { chain: file("certificate", &tls.certificate).await?, key: file("key", &tls.key).await? })
}

fn make(pair: &Pair, tls: &Tls) -> miette::Result<TlsAcceptor> {
    let doing = |what: &str, path: &Path| format!("while reading the {what} {}", path.display());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.chain).collect();
    let chain = chain.into_diagnostic().wrap_err_with(|| doing("certificate", &tls.certificate))?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key);
    let key = key.into_diagnostic().wrap_err_with(|| doing("key", &tls.key))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.into_diagnostic().wrap_err("certificate and key do not fit together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn told(report: &miette::Report) -> String {
    with_causes(&**report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = include_str!("../../../tests/serve/pages/certificate.pem");
    const KEY: &str = include_str!("../../../tests/serve/pages/key.pem");
    const RENEWED: &str = include_str!("../../../tests/serve/pages/renewed.pem");
    const RENEWED_KEY: &str = include_str!("../../../tests/serve/pages/renewed-key.pem");

    #[tokio::test]
    async fn files_that_change_are_taken_only_where_they_fit_together() {
        rollbook_remote::http::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
        let write = |chain: &str, key: &str| {
            std::fs::write(&tls.certificate, chain).unwrap();
            std::fs::write(&tls.key, key).unwrap();
        };
        write(CERTIFICATE, KEY);
        let (mut certificate, mut acceptor) = Certificate::open(&tls).await.unwrap();
        certificate.look().await;
        assert!(!acceptor.has_changed().unwrap(), "nothing is new");
        for (chain, key) in [(RENEWED, KEY), ("nothing", KEY), (RENEWED, ""), (CERTIFICATE, RENEWED_KEY)] {
            write(chain, key);
            certificate.look().await;
            assert!(!acceptor.has_changed().unwrap(), "what does not fit is not taken");
        }
        std::fs::remove_file(&tls.key).unwrap();
        certificate.look().await;
        assert!(!acceptor.has_changed().unwrap(), "a file that is away changes nothing");
        write(RENEWED, RENEWED_KEY);
        certificate.look().await;
        assert!(acceptor.has_changed().unwrap());
        acceptor.mark_unchanged();
        certificate.look().await;
        assert!(!acceptor.has_changed().unwrap());
        write("", "");
        assert!(Certificate::open(&tls).await.is_err(), "at the start it is an error");
    }
}
