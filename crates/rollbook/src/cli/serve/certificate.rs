//! The server's own certificate: read at the start, and again whenever its files change, so that a renewed one needs no restart.
//!
//! The files are checked every ten seconds and at SIGHUP. What cannot be used is logged, and the pair in use stays: a renewal that
//! is half written, or wrong, shuts nobody out.

use axum_server::tls_rustls::RustlsConfig;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::report::with_causes;
use rollbook_settings::service::Tls;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often the files are checked.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// A certificate that follows its files.
pub(super) struct Certificate {
    tls: Tls,
    /// What was read last, whether or not it could be used.
    read: Option<Pair>,
    /// Why the files could not be read, as it was logged; empty once they could.
    error: String,
    used: RustlsConfig,
}

#[derive(PartialEq, Eq)]
struct Pair {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads it for the first time.
    pub(super) async fn open(tls: &Tls) -> miette::Result<Self> {
        let pair = read(tls).await?;
        let used = RustlsConfig::from_config(parse(&pair, tls)?);
        if let Some(warning) = exposed_key(&tls.key) {
            tracing::warn!(key = %tls.key.display(), "{warning}");
        }
        Ok(Self { tls: tls.clone(), read: Some(pair), error: String::new(), used })
    }

    /// What handshakes are made with, now and after each reload.
    pub(super) fn config(&self) -> RustlsConfig {
        self.used.clone()
    }

    /// Follows the files for as long as it is polled.
    pub(super) async fn reload(mut self) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return tracing::warn!("signals cannot be received: a renewed certificate needs a restart");
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECK_EVERY) => {}
                _ = hangup.recv() => self.read = None,
            }
            self.check().await;
        }
    }

    /// Checks the files once; takes what is new in them, if it can be used. Says whether it did.
    async fn check(&mut self) -> bool {
        let pair = match read(&self.tls).await {
            Ok(pair) => pair,
            Err(error) => {
                // A file that is being replaced is there at the next check; one that stays away is logged once.
                let error = with_causes(&*error);
                if self.error != error {
                    tracing::error!(error, "the certificate cannot be read; the one in use stays");
                }
                self.error = error;
                return false;
            }
        };
        self.error.clear();
        if self.read.as_ref() == Some(&pair) {
            return false;
        }
        let parsed = parse(&pair, &self.tls);
        self.read = Some(pair);
        match parsed {
            Ok(config) => {
                self.used.reload_from_config(config);
                tracing::info!("the new certificate is in use");
                true
            }
            Err(error) => {
                let error = with_causes(&*error);
                tracing::error!(error, "the new certificate cannot be used; the one in use stays");
                false
            }
        }
    }
}

/// A warning where others than the owner and its group can read the key.
pub(super) fn exposed_key(key: &Path) -> Option<String> {
    let mode = std::fs::metadata(key).ok()?.permissions().mode();
    let is_exposed = mode & 0o007 != 0;
    is_exposed.then(|| {
        format!("every user of this machine can read the private key (mode {:03o}): chmod o= it", mode & 0o777)
    })
}

async fn read(tls: &Tls) -> miette::Result<Pair> {
    let file = async |what: &str, path: &Path| {
        let bytes = tokio::fs::read(path).await.into_diagnostic();
        bytes.wrap_err_with(|| format!("while reading the {what} {}", path.display()))
    };
    Ok(Pair { chain: file("certificate", &tls.certificate).await?, key: file("key", &tls.key).await? })
}

fn parse(pair: &Pair, tls: &Tls) -> miette::Result<Arc<ServerConfig>> {
    let doing = |what: &str, path: &Path| format!("while reading the {what} {}", path.display());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.chain).collect();
    let chain = chain.into_diagnostic().wrap_err_with(|| doing("certificate", &tls.certificate))?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key);
    let key = key.into_diagnostic().wrap_err_with(|| doing("key", &tls.key))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.into_diagnostic().wrap_err("the certificate and the key do not match")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = include_str!("../../../tests/serve/pages/certificate.pem");
    const KEY: &str = include_str!("../../../tests/serve/pages/key.pem");
    const RENEWED: &str = include_str!("../../../tests/serve/pages/renewed.pem");
    const RENEWED_KEY: &str = include_str!("../../../tests/serve/pages/renewed-key.pem");

    #[tokio::test]
    async fn files_that_change_are_used_only_where_they_match() {
        rollbook_remote::http::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
        let write = |chain: &str, key: &str| {
            std::fs::write(&tls.certificate, chain).unwrap();
            std::fs::write(&tls.key, key).unwrap();
        };
        write(CERTIFICATE, KEY);
        let mut certificate = Certificate::open(&tls).await.unwrap();
        assert!(!certificate.check().await, "nothing is new");
        for (chain, key) in [(RENEWED, KEY), ("nothing", KEY), (RENEWED, ""), (CERTIFICATE, RENEWED_KEY)] {
            write(chain, key);
            assert!(!certificate.check().await, "what does not match is not used");
        }
        std::fs::remove_file(&tls.key).unwrap();
        assert!(!certificate.check().await, "a missing file changes nothing");
        write(RENEWED, RENEWED_KEY);
        assert!(certificate.check().await);
        assert!(!certificate.check().await);
        write("", "");
        assert!(Certificate::open(&tls).await.is_err(), "at the start it is an error");
    }

    #[test]
    fn key_that_everybody_can_read_is_warned_of() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let with = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            exposed_key(file.path()).is_some()
        };
        assert!(with(0o644) && !with(0o640) && !with(0o600));
    }
}
