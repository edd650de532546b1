//! The certificate that first start makes: a CA of its own and a server certificate under it.
//!
//! Guarantees: ECDSA P-256; keys are 0600; at every start the certificate in use is valid for every
//! name that the configuration implies and for at least [`RENEWAL`], else it is made again under the
//! same CA, so clients that trust `ca.pem` keep working. Does not: touch an operator's own certificate.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_engine::clock::{Clock, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::{
    RootCertStore, client::WebPkiServerVerifier, client::danger::ServerCertVerifier as _,
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{
    config::{CertificateFiles, Config},
    data_dir::{DataDir, replace_file},
    failure::Failure,
};

/// The certificate to serve, and the CA for clients to trust where it is ours.
#[derive(Clone, Debug)]
pub(crate) struct ServedCertificate {
    /// Chain and key.
    pub(crate) files: CertificateFiles,
    /// `tls/ca.pem`; `None` with an operator's own certificate.
    pub(crate) ca: Option<PathBuf>,
}

/// The operator's certificate, or ours: kept, or made if it is missing, about to expire or short of a name.
pub(crate) fn provide(config: &Config, data: &DataDir) -> Result<ServedCertificate, Failure> {
    if let Some(files) = &config.certificate {
        return Ok(ServedCertificate { files: files.clone(), ca: None });
    }
    let paths = Paths::in_dir(&data.tls()?);
    let names = names_to_cover(config);
    if !covers(&paths, &names) {
        make(&paths, &names)?;
    }
    let files = CertificateFiles { chain: paths.cert, key: paths.key };
    Ok(ServedCertificate { files, ca: Some(paths.ca) })
}

struct Paths {
    ca: PathBuf,
    ca_key: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

impl Paths {
    fn in_dir(tls: &Path) -> Self {
        Self {
            ca: tls.join("ca.pem"),
            ca_key: tls.join("ca-key.pem"),
            cert: tls.join("cert.pem"),
            key: tls.join("key.pem"),
        }
    }
}

/// Every name under which a client of this configuration may come.
fn names_to_cover(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(specific_ip(config.listen));
    names.extend(hostname());
    for domain in &config.domains {
        names.push(domain.clone());
        names.push(format!("*.{domain}"));
    }
    names.sort();
    names.dedup();
    names
}

/// The address listened on, unless it means "all".
fn specific_ip(listen: SocketAddr) -> Option<String> {
    (!listen.ip().is_unspecified()).then(|| listen.ip().to_string())
}

/// The machine's name, if it can stand in a certificate.
fn hostname() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = text.trim().to_ascii_lowercase();
    rustls_pki_types::DnsName::try_from(name.as_str()).is_ok().then_some(name)
}

/// Whether the certificate on disk would satisfy a client that trusts our CA, for every name, and for
/// a while yet: judged by the verifier that clients use, so that nothing about the file is assumed.
fn covers(paths: &Paths, names: &[String]) -> bool {
    let (Ok(ca), Ok(cert)) =
        (CertificateDer::from_pem_file(&paths.ca), CertificateDer::from_pem_file(&paths.cert))
    else {
        return false;
    };
    let mut roots = RootCertStore::empty();
    if roots.add(ca).is_err() || !paths.key.exists() {
        return false;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build()
    else {
        return false;
    };
    let later = UnixTime::since_unix_epoch(since_epoch() + RENEWAL);
    names.iter().all(|name| {
        ServerName::try_from(name.replace('*', "any-bucket"))
            .is_ok_and(|name| verifier.verify_server_cert(&cert, &[], &name, &[], later).is_ok())
    })
}

/// Makes the server's certificate under the CA that stands, or under a new one if that does not do.
fn make(paths: &Paths, names: &[String]) -> Result<(), Failure> {
    if let Some(issuer) = existing_issuer(paths) {
        make_server_certificate(paths, names, &issuer)?;
        if covers(paths, names) {
            return Ok(());
        }
    }
    make_server_certificate(paths, names, &make_ca(paths)?)
}

fn make_server_certificate(
    paths: &Paths,
    names: &[String],
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(), Failure> {
    let key = KeyPair::generate().map_err(not_made)?;
    let cert = server_params(names)?.signed_by(&key, issuer).map_err(not_made)?;
    replace_file(&paths.key, key.serialize_pem().as_bytes())?;
    replace_file(&paths.cert, cert.pem().as_bytes())
}

/// The CA's key under the CA's name. Whether `ca.pem` is that CA's is found out by verifying.
fn existing_issuer(paths: &Paths) -> Option<Issuer<'static, KeyPair>> {
    let pem = Zeroizing::new(fs::read_to_string(&paths.ca_key).ok()?);
    Some(Issuer::new(ca_params(), KeyPair::from_pem(&pem).ok()?))
}

fn make_ca(paths: &Paths) -> Result<Issuer<'static, KeyPair>, Failure> {
    let key = KeyPair::generate().map_err(not_made)?;
    let cert = ca_params().self_signed(&key).map_err(not_made)?;
    replace_file(&paths.ca_key, key.serialize_pem().as_bytes())?;
    replace_file(&paths.ca, cert.pem().as_bytes())?;
    Ok(Issuer::new(ca_params(), key))
}

fn ca_params() -> CertificateParams {
    let mut params = dated(CertificateParams::default(), CA_LIFE);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "strongroom local CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: &[String]) -> Result<CertificateParams, Failure> {
    let mut params = dated(CertificateParams::default(), SERVER_LIFE);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "strongroom");
    params.subject_alt_names = names.iter().map(|name| san(name)).collect::<Result<_, _>>()?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn san(name: &str) -> Result<SanType, Failure> {
    match name.parse::<IpAddr>() {
        Ok(ip) => Ok(SanType::IpAddress(ip)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(not_made)?)),
    }
}

fn dated(mut params: CertificateParams, life: Duration) -> CertificateParams {
    let now = date_time_ymd(1970, 1, 1) + since_epoch();
    // Clients whose clocks are behind must be able to begin at once.
    params.not_before = now - Duration::from_secs(86_400);
    params.not_after = now + life;
    params
}

fn since_epoch() -> Duration {
    Duration::from_secs(u64::try_from(SystemClock.now().seconds()).unwrap_or(0))
}

fn not_made(error: rcgen::Error) -> Failure {
    Failure::failed("cannot make a certificate").detail(error)
}

const DAY: u64 = 86_400;
/// The CA outlives many server certificates; clients were told to trust it by hand.
const CA_LIFE: Duration = Duration::from_secs(3_650 * DAY);
/// As long as every client platform accepts (Apple's limit for server certificates is 825 days).
const SERVER_LIFE: Duration = Duration::from_secs(820 * DAY);
/// A certificate with less than this left is made again at start.
const RENEWAL: Duration = Duration::from_secs(90 * DAY);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_made_certificate_covers_its_names_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::in_dir(dir.path());
        let wanted =
            names(&["localhost", "127.0.0.1", "::1", "s3.example.com", "*.s3.example.com"]);
        assert!(!covers(&paths, &wanted));
        make(&paths, &wanted).unwrap();
        assert!(covers(&paths, &wanted));
        assert!(!covers(&paths, &names(&["other.example.com"])));
        assert!(!covers(&paths, &names(&["127.0.0.2"])));
    }

    #[test]
    fn new_names_keep_the_ca() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::in_dir(dir.path());
        make(&paths, &names(&["localhost"])).unwrap();
        let ca = fs::read(&paths.ca).unwrap();
        make(&paths, &names(&["localhost", "new.example.com"])).unwrap();
        assert_eq!(fs::read(&paths.ca).unwrap(), ca);
        assert!(covers(&paths, &names(&["new.example.com"])));
    }

    #[test]
    fn a_ca_without_its_key_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::in_dir(dir.path());
        make(&paths, &names(&["localhost"])).unwrap();
        let key = KeyPair::generate().unwrap();
        fs::write(&paths.ca_key, key.serialize_pem()).unwrap();
        make(&paths, &names(&["localhost", "other.example.com"])).unwrap();
        assert!(covers(&paths, &names(&["other.example.com"])));
    }

    #[test]
    fn a_certificate_of_another_ca_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::in_dir(dir.path());
        make(&paths, &names(&["localhost"])).unwrap();
        make_ca(&paths).unwrap();
        assert!(!covers(&paths, &names(&["localhost"])));
        make(&paths, &names(&["localhost"])).unwrap();
        assert!(covers(&paths, &names(&["localhost"])));
    }
}
