//! What is meant: one struct with every setting of a server, checked.
//!
//! Guarantees: a [`Config`] that exists can be served; precedence is flag, environment, file, default.
//! Does not: touch the data directory or the network. `docs/operations/configure.md` is its manual.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    assemble::BlobsLocation,
    cli::{
        CopyMode, LogFormat, NewBucketObjectOwnership, NewBucketSseC, Profile, ServeArgs, Settings,
        SignatureV2,
    },
    failure::Failure,
    metadata::{Metadata, SecretUrl},
};

/// Every setting of a server.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where everything is kept; made on first start with mode 0700.
    pub(crate) data_dir: PathBuf,
    /// Where HTTPS is spoken. Port 0 takes a free port, which the ready line names.
    pub(crate) listen: SocketAddr,
    /// Where plain HTTP is spoken as well. SSE-C is refused there, as AWS refuses it.
    pub(crate) http_listen: Option<SocketAddr>,
    /// The operator's own certificate; `None`: the one in the data directory.
    pub(crate) certificate: Option<CertificateFiles>,
    /// The master key's file; `None`: `master.key` in the data directory.
    pub(crate) master_key_file: Option<PathBuf>,
    /// The region that a signature must name and that buckets are made in by default.
    pub(crate) region: String,
    /// Domains whose subdomains name buckets, in lower case.
    pub(crate) domains: Vec<String>,
    /// Whose behaviour is followed where vendors differ.
    pub(crate) profile: Profile,
    /// Whether copies may share bodies.
    pub(crate) copy_mode: CopyMode,
    /// The object ownership of new buckets that ask for none.
    pub(crate) new_bucket_object_ownership: NewBucketObjectOwnership,
    /// Whether new buckets take writes with customer-provided keys.
    pub(crate) new_bucket_sse_c: NewBucketSseC,
    /// Whether requests signed by version 2 are taken.
    pub(crate) signature_v2: SignatureV2,
    /// Immediate peers whose exact `X-Forwarded-Proto: https` counts as a secure connection.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Where the catalog is.
    pub(crate) metadata: Metadata,
    /// Where blobs are; `None`: in files of the data directory.
    pub(crate) blobs: Option<BlobsLocation>,
    /// Objects up to this many bytes are kept in the catalog.
    pub(crate) inline_bytes_max: usize,
    /// How long the body of a removed object stays.
    pub(crate) removal_grace: Duration,
    /// How many seconds a lifecycle rule's day lasts in tests; `None`: days of UTC.
    pub(crate) lifecycle_debug_interval: Option<NonZeroU32>,
    /// What a client can hold of the server.
    pub(crate) limits: ConnectionLimits,
    /// How long requests under way may take to end after SIGTERM.
    pub(crate) drain_timeout: Duration,
    /// What is logged and how.
    pub(crate) log: LogConfig,
}

/// Where the operator's own certificate is.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    /// The chain in PEM, leaf first.
    pub(crate) chain: PathBuf,
    /// The leaf's private key in PEM.
    pub(crate) key: PathBuf,
}

/// What a client can hold of the server, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Connections open at once on all listeners; further ones wait in the kernel's queue.
    pub(crate) connections_max: usize,
    /// For a whole request head to arrive, counted from when the connection became idle.
    pub(crate) header_timeout: Duration,
    /// For a connection on which the client neither sends nor takes anything.
    pub(crate) idle_timeout: Duration,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub(crate) struct LogConfig {
    /// A filter in the syntax of `tracing-subscriber`'s `EnvFilter`.
    pub(crate) filter: String,
    /// Human, JSON, or by what stderr is.
    pub(crate) format: LogFormat,
}

impl Config {
    /// What the typed arguments mean together with the file that they may name.
    pub(crate) fn load(args: ServeArgs) -> Result<Self, Failure> {
        let file = args.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        Self::from_settings(args.settings.or(file))
    }

    /// Fills in defaults and checks.
    fn from_settings(settings: Settings) -> Result<Self, Failure> {
        let certificate = certificate_files(settings.tls_cert, settings.tls_key)?;
        let limits = ConnectionLimits {
            connections_max: at_least_one("connections-max", settings.connections_max, 4_096)?,
            header_timeout: seconds("header-timeout-seconds", settings.header_timeout_seconds, 30)?,
            idle_timeout: seconds("idle-timeout-seconds", settings.idle_timeout_seconds, 300)?,
        };
        Ok(Self {
            data_dir: settings.data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR_DEFAULT)),
            listen: settings.listen.unwrap_or(LISTEN_DEFAULT),
            http_listen: settings.http_listen,
            certificate,
            master_key_file: settings.master_key_file,
            region: parse_region(settings.region)?,
            domains: settings
                .domain
                .iter()
                .map(|name| parse_domain(name))
                .collect::<Result<_, _>>()?,
            profile: settings.profile.unwrap_or_default(),
            copy_mode: settings.copy_mode.unwrap_or_default(),
            new_bucket_object_ownership: settings.new_bucket_object_ownership.unwrap_or_default(),
            new_bucket_sse_c: settings.new_bucket_sse_c.unwrap_or_default(),
            signature_v2: settings.signature_v2.unwrap_or_default(),
            trusted_proxies: settings.trusted_proxy,
            metadata: Metadata::parse(settings.metadata, settings.front_ends)?,
            blobs: parse_blobs(settings.blobs)?,
            inline_bytes_max: parse_inline(settings.inline_bytes_max)?,
            removal_grace: seconds("removal-grace-seconds", settings.removal_grace_seconds, 30)?,
            lifecycle_debug_interval: settings.lifecycle_debug_interval,
            limits,
            drain_timeout: seconds("drain-timeout-seconds", settings.drain_timeout_seconds, 30)?,
            log: LogConfig {
                filter: settings.log.unwrap_or_else(|| LOG_DEFAULT.to_owned()),
                format: settings.log_format.unwrap_or_default(),
            },
        })
    }
}

fn read_file(path: &Path) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::wrong_usage(format!("cannot read the configuration file {}", path.display()))
            .detail(error)
    })?;
    toml::from_str(&text).map_err(|error| {
        Failure::wrong_usage(format!("the configuration file {} is not valid", path.display()))
            .detail(without_text(&error, &text))
            .hint(
                "its keys are the names of the flags without the dashes, as in: region = \"eu-1\"",
            )
    })
}

/// What is wrong and on which line, without the line itself: it may hold the password of a URL.
fn without_text(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

fn certificate_files(
    chain: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<CertificateFiles>, Failure> {
    match (chain, key) {
        (Some(chain), Some(key)) => Ok(Some(CertificateFiles { chain, key })),
        (None, None) => Ok(None),
        _ => Err(Failure::wrong_usage("--tls-cert and --tls-key go together")
            .hint("give both, or neither to have a certificate made in the data directory")),
    }
}

/// A region is part of what is signed, so only what fits a credential scope is allowed.
fn parse_region(region: Option<String>) -> Result<String, Failure> {
    let region = region.unwrap_or_else(|| "us-east-1".to_owned());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&region.len()) && region.bytes().all(fits) {
        Ok(region)
    } else {
        Err(Failure::wrong_usage("--region must be 1 to 64 letters, digits and dashes"))
    }
}

fn parse_domain(name: &str) -> Result<String, Failure> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let fits = rustls_pki_types::DnsName::try_from(lower.as_str()).is_ok();
    if fits && lower.parse::<IpAddr>().is_err() {
        Ok(lower)
    } else {
        Err(Failure::wrong_usage(format!("--domain {name:?} is not a domain name"))
            .hint("give a bare name such as s3.example.com"))
    }
}

/// The catalog copies an inline object out of its pages on every read; more than this belongs in files.
const INLINE_BYTES_LIMIT: usize = 256 * 1024;

fn parse_inline(bytes: Option<usize>) -> Result<usize, Failure> {
    let bytes = bytes.unwrap_or(16_384);
    if bytes <= INLINE_BYTES_LIMIT {
        Ok(bytes)
    } else {
        Err(Failure::wrong_usage(format!("--inline-bytes-max is at most {INLINE_BYTES_LIMIT}")))
    }
}

/// What `--blobs` means.
pub(crate) fn parse_blobs(url: Option<SecretUrl>) -> Result<Option<BlobsLocation>, Failure> {
    let Some(url) = url else { return Ok(None) };
    let location = url.expose().parse::<BlobsLocation>().map_err(|error| {
        Failure::wrong_usage("--blobs names no place for blobs")
            .detail(error)
            .hint("give for example s3://bucket/prefix?region=eu-central-1")
    })?;
    Ok(Some(location))
}

fn at_least_one(name: &str, given: Option<usize>, default: usize) -> Result<usize, Failure> {
    match given.unwrap_or(default) {
        0 => Err(Failure::wrong_usage(format!("--{name} must be at least 1"))),
        // A semaphore holds no more permits than this; more sockets than it cannot exist either.
        count => Ok(count.min(1 << 20)),
    }
}

fn seconds(name: &str, given: Option<u64>, default: u64) -> Result<Duration, Failure> {
    match given.unwrap_or(default) {
        0 => Err(Failure::wrong_usage(format!("--{name} must be at least 1"))),
        count => Ok(Duration::from_secs(count.min(SECONDS_LIMIT))),
    }
}

/// One day: longer waits mean "never" and would only overflow timers.
const SECONDS_LIMIT: u64 = 86_400;
/// Where everything is kept when nobody says.
pub(crate) const DATA_DIR_DEFAULT: &str = "./strongroom-data";
/// Loopback only: being reachable from outside is a decision that the operator makes.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9443);
/// One line a request costs more than small requests themselves, so only failed ones (5xx) show.
const LOG_DEFAULT: &str = "info,strongroom::request=warn";

#[cfg(test)]
mod tests {
    use super::*;

    fn from_toml(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        for text in [
            "region = 'x'\nmetadata = 'postgres://me:s3cr3t@db/x\n",
            "region = 'x'\nmetadatum = 'postgres://me:s3cr3t@db/x'\n",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:?}", read_file(&path).unwrap_err());
            assert!(!error.contains("s3cr3t") && error.contains("line 2: "), "{error}");
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = Config::from_settings(Settings::default()).unwrap();
        assert_eq!(config.data_dir, PathBuf::from("./strongroom-data"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:9443");
        assert_eq!(config.http_listen, None);
        assert_eq!(config.region, "us-east-1");
        assert_eq!(config.inline_bytes_max, 16_384);
        assert_eq!(config.lifecycle_debug_interval, None);
        assert_eq!(config.copy_mode, CopyMode::Share);
        assert_eq!(config.new_bucket_sse_c, NewBucketSseC::Allowed);
        assert_eq!(config.signature_v2, SignatureV2::Off);
        let ownership = NewBucketObjectOwnership::BucketOwnerEnforced;
        assert_eq!(config.new_bucket_object_ownership, ownership);
    }

    #[test]
    fn what_is_typed_wins_over_the_file() {
        let typed = Settings { region: Some("typed".into()), ..Settings::default() };
        let file = from_toml(
            "region = 'file'\nlisten = '127.0.0.1:1'\ndomain = ['S3.Example.com.']\ncopy-mode = 'reencrypt'\nnew-bucket-sse-c = 'blocked'\nsignature-v2 = 'on'\nnew-bucket-object-ownership = 'ObjectWriter'",
        );
        let config = Config::from_settings(typed.or(file)).unwrap();
        assert_eq!(config.region, "typed");
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.copy_mode, CopyMode::Reencrypt);
        assert_eq!(config.domains, ["s3.example.com"]);
        assert_eq!(config.new_bucket_sse_c, NewBucketSseC::Blocked);
        assert_eq!(config.signature_v2, SignatureV2::On);
        assert_eq!(config.new_bucket_object_ownership, NewBucketObjectOwnership::ObjectWriter);
    }

    #[test]
    fn unknown_keys_of_the_file_are_refused() {
        assert!(toml::from_str::<Settings>("regoin = 'x'").is_err());
        assert!(toml::from_str::<Settings>("listen = 'nowhere'").is_err());
        assert!(toml::from_str::<Settings>("copy-mode = 'move'").is_err());
        assert!(toml::from_str::<Settings>("lifecycle-debug-interval = 0").is_err());
        assert!(toml::from_str::<Settings>("new-bucket-sse-c = 'maybe'").is_err());
        assert!(toml::from_str::<Settings>("signature-v2 = 'maybe'").is_err());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "tls-cert = 'c'",
            "tls-key = 'k'",
            "region = 'a/b'",
            "region = ''",
            "domain = ['127.0.0.1']",
            "domain = ['a b']",
            "connections-max = 0",
            "idle-timeout-seconds = 0",
            "inline-bytes-max = 1000000000",
            "blobs = 'ftp://host/dir'",
            "blobs = 's3://key:secret@bucket/'",
        ] {
            assert!(Config::from_settings(from_toml(text)).is_err(), "{text}");
        }
    }
}
