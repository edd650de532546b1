//! Handshakes in memory, between this configuration and rustls's own client.

use std::{
    io::{self, Read as _, Write as _},
    path::Path,
};

use rcgen::KeyPair;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, HandshakeKind, ProtocolVersion,
    RootCertStore, ServerConnection, SideData, SupportedCipherSuite, SupportedProtocolVersion,
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
    client_with(files, aws_lc_rs::default_provider(), versions)
}

/// A client that offers one suite.
fn client_of(files: &CertificateFiles, suite: SupportedCipherSuite) -> Arc<ClientConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![suite];
    client_with(files, provider, &[suite.version()])
}

fn client_with(
    files: &CertificateFiles,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.chain).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Runs one connection to the end of its handshake and hands the ticket over.
fn shake(client: &Arc<ClientConfig>, server: &Tls) -> io::Result<ClientConnection> {
    joined(client, server).map(|(client, _)| client)
}

/// Both ends of such a connection.
fn joined(
    client: &Arc<ClientConfig>,
    server: &Tls,
) -> io::Result<(ClientConnection, ServerConnection)> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(client.clone(), name).map_err(io::Error::other)?;
    let mut server = ServerConnection::new(server.config()).map_err(io::Error::other)?;
    for _ in 0..6 {
        let mut wire = Vec::new();
        client.write_tls(&mut wire)?;
        take(&mut server, &wire)?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire)?;
        take(&mut client, &wire)?;
    }
    Ok((client, server))
}

/// Reads what came, if anything did: nothing would be the connection's end.
fn take<S: SideData>(to: &mut ConnectionCommon<S>, wire: &[u8]) -> io::Result<()> {
    let mut rest = wire;
    while !rest.is_empty() {
        to.read_tls(&mut rest)?;
        to.process_new_packets().map_err(io::Error::other)?;
    }
    Ok(())
}

/// `text` as records of `from`.
fn sent<S: SideData>(from: &mut ConnectionCommon<S>, text: &[u8]) -> Vec<u8> {
    from.writer().write_all(text).unwrap();
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    wire
}

/// What `to` reads of `text` that `from` sends.
fn passed<S: SideData, T: SideData>(
    from: &mut ConnectionCommon<S>,
    to: &mut ConnectionCommon<T>,
    text: &[u8],
) -> Vec<u8> {
    let wire = sent(from, text);
    let (mut rest, mut read) = (wire.as_slice(), Vec::new());
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets().unwrap();
        let end = to.reader().read_to_end(&mut read).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::WouldBlock);
    }
    read
}

#[test]
fn tls13_resumes_and_prefers_aes_256() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone(), AesGcm::of_this_processor()).unwrap();
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
    let tls = Tls::new(files.clone(), AesGcm::of_this_processor()).unwrap();
    let client = client(&files, &[&rustls::version::TLS12]);
    for _ in 0..2 {
        let connection = shake(&client, &tls).unwrap();
        assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_2));
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
    }
}

/// The handshake's own records are encrypted too; here a record of each size around a full one follows.
#[test]
fn records_of_either_aes_gcm_are_read_by_the_others_client() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    for gcm in [AesGcm::AwsLc, AesGcm::Ring] {
        let tls = Tls::new(files.clone(), gcm).unwrap();
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            for suite in aws_lc_rs::DEFAULT_CIPHER_SUITES {
                let speaks = |suite: &SupportedCipherSuite| suite.version() == version;
                if speaks(suite) && !needs_rsa(suite.suite()) {
                    let client = client_of(&files, *suite);
                    exchange(&client, &tls, suite.suite());
                    refuse(&client, &tls);
                }
            }
        }
    }
}

/// The certificate here has an ECDSA key.
fn needs_rsa(suite: CipherSuite) -> bool {
    format!("{suite:?}").contains("_RSA_")
}

/// Sends both ways; what was tampered with is refused.
fn exchange(client: &Arc<ClientConfig>, tls: &Tls, suite: CipherSuite) {
    let (mut client, mut server) = joined(client, tls).unwrap();
    assert_eq!(server.negotiated_cipher_suite().unwrap().suite(), suite);
    for length in [0, 1, 15, 16, 17, 4_096, 16_383, 16_384, 16_385, 40_000] {
        let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        assert_eq!(passed(&mut client, &mut server, &text), text, "{suite:?} to the server");
        assert_eq!(passed(&mut server, &mut client, &text), text, "{suite:?} to the client");
    }
    let mut wire = sent(&mut server, b"tampered with");
    *wire.last_mut().unwrap() ^= 1;
    client.read_tls(&mut wire.as_slice()).unwrap();
    assert_eq!(client.process_new_packets().unwrap_err(), rustls::Error::DecryptError);
}

/// The same towards the server, whose decryption is on trial.
fn refuse(client: &Arc<ClientConfig>, tls: &Tls) {
    let (mut client, mut server) = joined(client, tls).unwrap();
    let mut wire = sent(&mut client, b"tampered with");
    *wire.last_mut().unwrap() ^= 1;
    server.read_tls(&mut wire.as_slice()).unwrap();
    assert_eq!(server.process_new_packets().unwrap_err(), rustls::Error::DecryptError);
}

#[test]
fn of_ring_there_is_only_the_aead() {
    let ours = provider(AesGcm::AwsLc);
    let both = provider(AesGcm::Ring);
    let names = |provider: &CryptoProvider| {
        provider.cipher_suites.iter().map(SupportedCipherSuite::suite).collect::<Vec<_>>()
    };
    assert_eq!(names(&ours), names(&both));
    let groups = |provider: &CryptoProvider| {
        provider.kx_groups.iter().map(|group| group.name()).collect::<Vec<_>>()
    };
    assert_eq!(groups(&ours), groups(&both));
    let mut exchanged = 0;
    for (ours, both) in ours.cipher_suites.iter().zip(&both.cipher_suites) {
        let (SupportedCipherSuite::Tls13(ours), SupportedCipherSuite::Tls13(both)) = (ours, both)
        else {
            continue;
        };
        assert!(std::ptr::addr_eq(ours.hkdf_provider, both.hkdf_provider));
        assert!(std::ptr::addr_eq(ours.common.hash_provider, both.common.hash_provider));
        assert_eq!(ours.common.confidentiality_limit, both.common.confidentiality_limit);
        exchanged += usize::from(!std::ptr::eq(*ours, *both));
    }
    assert_eq!(exchanged, 2, "AES-256 and AES-128, and ChaCha20 stays");
}

#[test]
fn a_reloaded_certificate_counts_from_the_next_handshake() {
    let dir = tempfile::tempdir().unwrap();
    let files = write_certificate(dir.path());
    let tls = Tls::new(files.clone(), AesGcm::of_this_processor()).unwrap();
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
    let tls = Tls::new(files.clone(), AesGcm::of_this_processor()).unwrap();
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
    assert!(Tls::new(files, AesGcm::AwsLc).is_err());
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
