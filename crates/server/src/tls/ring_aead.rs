//! The cipher suites with the AES-GCM of ring: docs/decisions/0014.
//!
//! Guarantees: of ring there is only the AEAD in them; handshake hashes, key derivation, limits, key
//! exchange and signatures are those of the one provider, and suites without AES-GCM are its own whole.
//!
//! Does not: decide where they are used.

use std::sync::LazyLock;

use rustls::{
    CipherSuite, CipherSuiteCommon, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
    crypto::{aws_lc_rs, ring},
};

/// The provider's default suites, in its order. Made once, since rustls wants them for ever.
pub(super) static SUITES: LazyLock<Vec<SupportedCipherSuite>> =
    LazyLock::new(|| aws_lc_rs::DEFAULT_CIPHER_SUITES.iter().copied().map(with_ring).collect());

fn with_ring(ours: SupportedCipherSuite) -> SupportedCipherSuite {
    let same = |theirs: &&SupportedCipherSuite| theirs.suite() == ours.suite();
    let theirs = ring::ALL_CIPHER_SUITES.iter().find(same).filter(|_| is_aes_gcm(ours.suite()));
    match (ours, theirs) {
        (SupportedCipherSuite::Tls13(ours), Some(SupportedCipherSuite::Tls13(theirs))) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: same_common(&ours.common),
                hkdf_provider: ours.hkdf_provider,
                aead_alg: theirs.aead_alg,
                quic: None, // of which aws-lc's would be offered; this server has none
            })))
        }
        (SupportedCipherSuite::Tls12(ours), Some(SupportedCipherSuite::Tls12(theirs))) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: same_common(&ours.common),
                prf_provider: ours.prf_provider,
                kx: ours.kx,
                sign: ours.sign,
                aead_alg: theirs.aead_alg,
            })))
        }
        _ => ours,
    }
}

/// rustls's own, which cannot be cloned.
fn same_common(ours: &CipherSuiteCommon) -> CipherSuiteCommon {
    let &CipherSuiteCommon { suite, hash_provider, confidentiality_limit } = ours;
    CipherSuiteCommon { suite, hash_provider, confidentiality_limit }
}

fn is_aes_gcm(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS13_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    )
}
