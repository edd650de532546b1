//! Connections: how one is made, and when it must not be trusted any more.
//!
//! Guarantees: a server that says that it stopped waiting for its replica is cut off before its answer
//! counts, so that the commit is looked up like every other whose answer was lost.

use std::{future::Future, pin::Pin, sync::Arc};

use deadpool_postgres::Connect;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, error::DbError};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::location::{InvalidLocation, Location};

/// Makes connections, over TLS or over a socket of this machine.
pub(crate) struct Connector {
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// A connector for a location; reads its root certificate.
    pub(crate) fn new(location: &Location) -> Result<Self, InvalidLocation> {
        let Some(path) = &location.root_certificate else { return Ok(Self { tls: None }) };
        let unreadable = || InvalidLocation("sslrootcert names no readable PEM file".into());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
            let certificate = certificate.map_err(|_| unreadable())?;
            roots.add(certificate).map_err(|_| unreadable())?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Some(MakeRustlsConnect::new(config)) })
    }

    /// One connection, driven by a task of its own.
    pub(crate) async fn connection(
        &self,
        config: &Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(drive(connection))))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, tokio::spawn(drive(connection))))
            }
        }
    }
}

type Connecting<'a> =
    dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Pin<Box<Connecting<'_>>> {
        let config = config.clone();
        Box::pin(async move { self.connection(&config).await })
    }
}

/// Carries a connection's messages until it ends, or until it must not be believed.
async fn drive<S, T>(mut connection: Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) if is_unreplicated(&notice) => {
                tracing::warn!("PostgreSQL stopped waiting for its replica; looking the commit up");
                return;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
                return;
            }
        }
    }
}

/// Whether a notice says that a commit stands on this server and perhaps nowhere else. PostgreSQL gives
/// it no code of its own, and translates its text; so any warning that comes with a commit counts.
fn is_unreplicated(notice: &DbError) -> bool {
    use tokio_postgres::error::Severity;
    matches!(notice.parsed_severity(), Some(Severity::Warning))
}
