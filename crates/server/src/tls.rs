//! TLS as this server speaks it.
//!
//! Guarantees: TLS 1.3 and 1.2 only, AES-GCM first; no early data, whose requests can be replayed; no
//! resumption in TLS 1.2, where a session's secret would open recordings of the one before; a reloaded
//! certificate counts from the next handshake, and one that does not load changes nothing. A client that
//! speaks both gets HTTP/1.1, not HTTP/2. Records are encrypted by the implementation of AES-GCM that is
//! the faster one on this processor; all else is one provider's.
//! Does not: ask clients for certificates; S3 signs its requests.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    CipherSuite, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use sealed_format::AesGcm;

use crate::{config::CertificateFiles, failure::Failure};

mod ring_aead;

/// The server's side of TLS; its certificate can be read again.
#[derive(Debug)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
}

impl Tls {
    /// Reads the certificate and readies the protocol, with the AEADs of `gcm`.
    pub(crate) fn new(files: CertificateFiles, gcm: AesGcm) -> Result<Self, Failure> {
        let provider = Arc::new(provider(gcm));
        let current = RwLock::new(read(&files, &provider)?);
        let certificate = Arc::new(Certificate { files, provider: provider.clone(), current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| Failure::failed("cannot ready TLS").detail(error))?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        config.ignore_client_order = true;
        config.max_early_data_size = 0;
        config.session_storage = Tls13Sessions::new(SESSIONS_MAX);
        config.send_tls13_tickets = 1;
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// What a listener accepts with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Reads the certificate again. On an error the old one stays.
    pub(crate) fn reload(&self) -> Result<(), Failure> {
        let fresh = read(&self.certificate.files, &self.certificate.provider)?;
        *self.certificate.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

/// The one cryptographic provider, with the suites whose AEAD the hardware speeds up first.
fn provider(gcm: AesGcm) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if gcm == AesGcm::Ring {
        provider.cipher_suites.clone_from(&ring_aead::SUITES);
    }
    provider.cipher_suites.sort_by_key(|suite| match suite.suite() {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => 0,
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 1,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 2,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 3,
        _ => 4,
    });
    provider
}

fn read(files: &CertificateFiles, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Failure> {
    let unusable = |what: &str, path: &std::path::Path, error: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot use the {what} {}", path.display()))
            .detail(error)
            .hint("--tls-cert takes a PEM chain, leaf first; --tls-key its PEM private key")
    };
    let chain = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("certificate", &files.chain, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable("private key", &files.key, &error))?;
    let certified = CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| unusable("certificate", &files.chain, &error))?;
    Ok(Arc::new(certified))
}

/// The certificate in use.
#[derive(Debug)]
struct Certificate {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Keeps TLS 1.3 sessions and refuses to keep others.
///
/// rustls asks one store for both versions. The encoding of what it stores begins with the server's
/// name (0, or 1, a length and that many bytes) and then the version; whatever does not read as TLS 1.3
/// is not kept, so should that encoding change, resumption stops and nothing is kept by mistake.
#[derive(Debug)]
struct Tls13Sessions(Arc<ServerSessionMemoryCache>);

impl Tls13Sessions {
    fn new(sessions_max: usize) -> Arc<Self> {
        Arc::new(Self(ServerSessionMemoryCache::new(sessions_max)))
    }
}

impl StoresServerSessions for Tls13Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        is_tls13(&value) && self.0.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.take(key)
    }

    fn can_cache(&self) -> bool {
        self.0.can_cache()
    }
}

fn is_tls13(session: &[u8]) -> bool {
    let version = match session {
        [0, rest @ ..] => rest,
        [1, length, rest @ ..] => rest.get(usize::from(*length)..).unwrap_or_default(),
        _ => return false,
    };
    version.starts_with(&[0x03, 0x04])
}

/// What ALPN may choose, the better first. S3's clients hold a connection for each request under way, and
/// only in HTTP/1 is a head's buffer ours to wipe while the connection lives (`memory::heads`).
const PROTOCOLS: [&[u8]; 2] = [b"http/1.1", b"h2"];
/// About 1 MiB of sessions at most; S3 clients hold few connections and keep them.
const SESSIONS_MAX: usize = 4_096;

#[cfg(test)]
mod tests;
