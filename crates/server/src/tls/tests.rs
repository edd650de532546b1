//! Handshakes in memory, between this configuration and rustls's own client.

use std::{io, path::Path};

use rcgen::KeyPair;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore,
    ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::ServerName;

use super::*;

fn write_certificate(dir: &Path) -> CertificateFiles {
    let key = KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.self_signed(&key).unwrap();
    let files = CertificateFiles { chain: dir.join("cert.pem"), key: dir.join("key.pem") };
    std::fs::write(&files.chain, cert.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn client(
    files: &CertificateFiles,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.chain).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Runs one connection to the end of its handshake and hands the ticket over.
fn shake(client: &Arc<ClientConfig>, server: &Tls) -> io::Result<ClientConnection> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(client.clone(), name).map_err(io::Error::other)?;
    let mut server = ServerConnection::new(server.config()).map_err(io::Error::other)?;
    for _ in 0..6 {
        let mut wire = Vec::new();
        client.write_tls(&mut wire)?;
        server.read_tls(&mut wire.as_slice())?;
        server.process_new_packets().map_err(io::Error::other)?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire)?;
        client.read_tls(&mut wire.as_slice())?;
        client.process_new_packets().map_err(io::Error::other)?;
    }
    Ok(client)
}

#[test]
fn tls13_resumes_and_prefers_aes_256() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone()).unwrap();
    let client = client(&files, &[&rustls::version::TLS13, &rustls::version::TLS12]);
    let first = shake(&client, &tls).unwrap();
    assert_eq!(first.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let suite = first.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, CipherSuite::TLS13_AES_256_GCM_SHA384);
    let second = shake(&client, &tls).unwrap();
    assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn tls12_is_spoken_and_never_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone()).unwrap();
    let client = client(&files, &[&rustls::version::TLS12]);
    for _ in 0..2 {
        let connection = shake(&client, &tls).unwrap();
        assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_2));
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_reloaded_certificate_counts_from_the_next_handshake() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone()).unwrap();
    let old = client(&files, &[&rustls::version::TLS13]);
    assert!(shake(&old, &tls).is_ok());
    write_certificate(dir.path());
    tls.reload().unwrap();
    let new = client(&files, &[&rustls::version::TLS13]);
    assert!(shake(&new, &tls).is_ok());
}

#[test]
fn a_certificate_that_does_not_load_leaves_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone()).unwrap();
    let client = client(&files, &[&rustls::version::TLS13]);
    std::fs::write(&files.chain, "not a certificate").unwrap();
    assert!(tls.reload().is_err());
    assert!(shake(&client, &tls).is_ok());
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(Tls::new(files).is_err());
}

#[test]
fn only_tls13_sessions_are_kept() {
    assert!(is_tls13(&[0, 3, 4]));
    assert!(is_tls13(&[1, 2, b'a', b'b', 3, 4, 9]));
    assert!(!is_tls13(&[0, 3, 3]));
    assert!(!is_tls13(&[1, 2, b'a', b'b', 3, 3]));
    assert!(!is_tls13(&[1, 200, 3, 4]));
    assert!(!is_tls13(&[]));
}
