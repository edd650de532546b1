//! What is typed: commands, flags and their environment variables.
//!
//! Guarantees: each flag of `serve` is described once, here, and is at the same time a `STRONGROOM_…`
//! variable and a key of the configuration file. Does not: know defaults or decide what is meant;
//! `config` does. No secret can be a flag of `serve`, since arguments show in process lists.

mod identity;
mod migrate;
mod named_keys;

use std::{net::IpAddr, net::SocketAddr, num::NonZeroU32, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::metadata::SecretUrl;

pub(crate) use identity::{CatalogArgs, KeyArgs, KeyCommand, UserAddArgs, UserArgs, UserCommand};
pub(crate) use migrate::MigrateArgs;
pub(crate) use named_keys::{KmsArgs, KmsCommand};

/// An S3-compatible object store that keeps what it cannot open.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve S3 over TLS; the first start makes the data directory, a certificate and credentials.
    #[command(after_help = SERVE_AFTER_HELP)]
    Serve(Box<ServeArgs>),
    /// Add, list, disable, enable and remove the access keys of users.
    Key(Box<KeyArgs>),
    /// Add, list, disable and remove the named keys of SSE-KMS, beside a running server or while none runs.
    Kms(Box<KmsArgs>),
    /// Move everything to another catalog and other blobs, while no server runs.
    Migrate(Box<MigrateArgs>),
    /// Add, list and remove users, beside a running server or while none runs.
    User(Box<UserArgs>),
}

/// What `serve --help` says below the flags.
const SERVE_AFTER_HELP: &str = "\
Root's credentials are made on first start, in DATA_DIR/credentials. The environment variables \
STRONGROOM_ROOT_ACCESS_KEY and STRONGROOM_ROOT_SECRET_KEY, set together, override them.

Precedence: flag, environment, configuration file, default.
SIGHUP reads the certificate again; SIGTERM and SIGINT finish the requests under way and exit 0.";

/// `strongroom serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Read settings from this TOML file; its keys are the names of the flags.
    #[arg(long, value_name = "FILE", env = "STRONGROOM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Everything that the file may say as well.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Each setting of a server, where it was given: by flag, environment or file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// Where everything is kept [default: ./strongroom-data]
    #[arg(long, value_name = "DIR", env = "STRONGROOM_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port for HTTPS [default: 127.0.0.1:9443]
    #[arg(long, value_name = "ADDR", env = "STRONGROOM_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address and port for plain HTTP as well, which refuses SSE-C [default: off]
    #[arg(long, value_name = "ADDR", env = "STRONGROOM_HTTP_LISTEN")]
    pub(crate) http_listen: Option<SocketAddr>,
    /// Certificate chain in PEM, leaf first [default: made on first start]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", env = "STRONGROOM_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The server's master key: 32 raw bytes [default: DATA_DIR/master.key, made on first start]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_MASTER_KEY_FILE")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// The region that requests are signed for [default: us-east-1]
    #[arg(long, value_name = "NAME", env = "STRONGROOM_REGION")]
    pub(crate) region: Option<String>,
    /// A domain whose subdomains are buckets (virtual-host style); may be repeated
    #[arg(long, value_name = "NAME", env = "STRONGROOM_DOMAIN", value_delimiter = ',')]
    pub(crate) domain: Vec<String>,
    /// Whose behaviour to follow where vendors differ [default: aws]
    #[arg(long, value_name = "NAME", env = "STRONGROOM_PROFILE")]
    pub(crate) profile: Option<Profile>,
    /// Whether copies share bodies where that is safe, or every copy is sealed anew [default: share]
    #[arg(long, value_name = "MODE", env = "STRONGROOM_COPY_MODE")]
    pub(crate) copy_mode: Option<CopyMode>,
    /// The object ownership of new buckets that ask for none; the default disables ACLs, as on AWS since
    /// April 2023 [default: BucketOwnerEnforced]
    #[arg(long, value_name = "OWNERSHIP", env = "STRONGROOM_NEW_BUCKET_OBJECT_OWNERSHIP")]
    pub(crate) new_bucket_object_ownership: Option<NewBucketObjectOwnership>,
    /// Whether new buckets take writes with customer-provided keys [default: allowed]
    #[arg(long, value_name = "allowed|blocked", env = "STRONGROOM_NEW_BUCKET_SSE_C")]
    pub(crate) new_bucket_sse_c: Option<NewBucketSseC>,
    /// Whether requests signed by version 2 are taken [default: off]
    #[arg(long, value_name = "off|on", env = "STRONGROOM_SIGNATURE_V2")]
    pub(crate) signature_v2: Option<SignatureV2>,
    /// A proxy whose `X-Forwarded-Proto: https` on the plain listener is believed; may be repeated
    #[arg(long, value_name = "IP", env = "STRONGROOM_TRUSTED_PROXY", value_delimiter = ',')]
    pub(crate) trusted_proxy: Vec<IpAddr>,
    /// Where the catalog is: `lmdb:` in the data directory, or a `postgres://` URL; visible in process lists,
    /// so rather take STRONGROOM_METADATA or the file [default: lmdb:]
    #[arg(long, value_name = "URL", env = "STRONGROOM_METADATA", hide_env_values = true)]
    pub(crate) metadata: Option<SecretUrl>,
    /// Whether other servers may serve the same catalog, which must be in PostgreSQL then; `changing`: also one that
    /// is set up differently, while settings are changed on one after the other [default: one]
    #[arg(long, value_name = "one|several|changing", env = "STRONGROOM_FRONT_ENDS")]
    pub(crate) front_ends: Option<FrontEnds>,
    /// Where the bodies of larger objects are: s3://BUCKET/PREFIX, az://… or gs://… with ?endpoint=, region=,
    /// allow_http=, ca= and segment_mib=; credentials come from AWS_…, AZURE_… or GOOGLE_… variables
    /// [default: files in the data directory]
    #[arg(long, value_name = "URL", env = "STRONGROOM_BLOBS", hide_env_values = true)]
    pub(crate) blobs: Option<SecretUrl>,
    /// Objects up to this many bytes live in the catalog, larger ones in blobs [default: 16384]
    #[arg(long, value_name = "BYTES", env = "STRONGROOM_INLINE_BYTES_MAX")]
    pub(crate) inline_bytes_max: Option<usize>,
    /// How long the body of a removed object stays; longer than a backup copies blobs after it saved the
    /// catalog [default: 30]
    #[arg(long, value_name = "SECONDS", env = "STRONGROOM_REMOVAL_GRACE_SECONDS")]
    pub(crate) removal_grace_seconds: Option<u64>,
    /// For tests: a lifecycle rule's day lasts this many seconds [default: days of UTC]
    #[arg(long, value_name = "SECONDS", env = "STRONGROOM_LIFECYCLE_DEBUG_INTERVAL")]
    pub(crate) lifecycle_debug_interval: Option<NonZeroU32>,
    /// Connections open at once; further ones wait [default: 4096]
    #[arg(long, value_name = "N", env = "STRONGROOM_CONNECTIONS_MAX")]
    pub(crate) connections_max: Option<usize>,
    /// Seconds for a request's head to arrive, and for an idle connection's next one [default: 30]
    #[arg(long, value_name = "SECONDS", env = "STRONGROOM_HEADER_TIMEOUT_SECONDS")]
    pub(crate) header_timeout_seconds: Option<u64>,
    /// Seconds that a client may neither send nor take a byte [default: 300]
    #[arg(long, value_name = "SECONDS", env = "STRONGROOM_IDLE_TIMEOUT_SECONDS")]
    pub(crate) idle_timeout_seconds: Option<u64>,
    /// Seconds for requests under way to end after SIGTERM [default: 30]
    #[arg(long, value_name = "SECONDS", env = "STRONGROOM_DRAIN_TIMEOUT_SECONDS")]
    pub(crate) drain_timeout_seconds: Option<u64>,
    /// What to log, as `level` or `target=level,…` [default: info,strongroom::request=warn]
    #[arg(long, value_name = "FILTER", env = "STRONGROOM_LOG")]
    pub(crate) log: Option<String>,
    /// How to log: `auto` is human on a terminal and JSON otherwise [default: auto]
    #[arg(long, value_name = "FORMAT", env = "STRONGROOM_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

impl Settings {
    /// These settings, and `other`'s where these are silent.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(other.data_dir),
            listen: self.listen.or(other.listen),
            http_listen: self.http_listen.or(other.http_listen),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            master_key_file: self.master_key_file.or(other.master_key_file),
            region: self.region.or(other.region),
            domain: if self.domain.is_empty() { other.domain } else { self.domain },
            profile: self.profile.or(other.profile),
            copy_mode: self.copy_mode.or(other.copy_mode),
            new_bucket_object_ownership: self
                .new_bucket_object_ownership
                .or(other.new_bucket_object_ownership),
            new_bucket_sse_c: self.new_bucket_sse_c.or(other.new_bucket_sse_c),
            signature_v2: self.signature_v2.or(other.signature_v2),
            trusted_proxy: if self.trusted_proxy.is_empty() {
                other.trusted_proxy
            } else {
                self.trusted_proxy
            },
            metadata: self.metadata.or(other.metadata),
            front_ends: self.front_ends.or(other.front_ends),
            blobs: self.blobs.or(other.blobs),
            inline_bytes_max: self.inline_bytes_max.or(other.inline_bytes_max),
            removal_grace_seconds: self.removal_grace_seconds.or(other.removal_grace_seconds),
            lifecycle_debug_interval: self
                .lifecycle_debug_interval
                .or(other.lifecycle_debug_interval),
            connections_max: self.connections_max.or(other.connections_max),
            header_timeout_seconds: self.header_timeout_seconds.or(other.header_timeout_seconds),
            idle_timeout_seconds: self.idle_timeout_seconds.or(other.idle_timeout_seconds),
            drain_timeout_seconds: self.drain_timeout_seconds.or(other.drain_timeout_seconds),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
        }
    }
}

/// Vendors whose behaviour can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// Amazon S3.
    #[default]
    Aws,
    /// OVHcloud Object Storage.
    Ovh,
    /// IBM Cloud Object Storage.
    Ibm,
    /// Huawei Cloud Object Storage Service.
    Obs,
    /// The object gateway of Ceph.
    Ceph,
}

/// What a copy does with its source's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CopyMode {
    /// Share it where the rules allow: one commit, whatever the size.
    #[default]
    Share,
    /// Seal it anew under a new data key, always.
    Reencrypt,
}

/// Whose the objects of new buckets are, by S3's own names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[value(rename_all = "PascalCase")]
pub(crate) enum NewBucketObjectOwnership {
    /// The bucket owner's; ACLs are disabled.
    #[default]
    BucketOwnerEnforced,
    /// Their writer's, unless handed over with `bucket-owner-full-control`; ACLs are enabled.
    BucketOwnerPreferred,
    /// Their writer's; ACLs are enabled.
    ObjectWriter,
}

/// What new buckets do with SSE-C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NewBucketSseC {
    /// They take it.
    #[default]
    Allowed,
    /// They block it until PutBucketEncryption says otherwise, as on AWS since April 2026.
    Blocked,
}

/// Whether requests may be signed by version 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignatureV2 {
    /// They are refused, as in the regions of AWS that opened since 2014.
    #[default]
    Off,
    /// They are taken.
    On,
}

/// How many servers may serve one catalog at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FrontEnds {
    /// This one.
    #[default]
    One,
    /// This one and others that say so, too, all set up alike.
    Several,
    /// The same while settings are changed on one after the other: a difference is told, not refused.
    Changing,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For eyes.
    Human,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn secrets_are_no_flags_of_serve_and_hidden_in_help() {
        let mut command = Cli::command();
        command.build();
        let serve = command.find_subcommand("serve").unwrap();
        assert!(serve.get_arguments().all(|arg| !arg.get_id().as_str().contains("secret")));
        for noun in ["key", "user"] {
            let add = command.find_subcommand(noun).unwrap().find_subcommand("add").unwrap();
            let secret = add.get_arguments().find(|arg| arg.get_id() == "secret_key").unwrap();
            assert!(secret.is_hide_env_values_set());
        }
    }

    #[test]
    fn every_serve_flag_is_an_environment_variable_of_its_own_name() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for arg in serve.get_arguments().filter(|arg| arg.get_id() != "help") {
            let long = arg.get_long().unwrap();
            let expected = format!("STRONGROOM_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(expected.as_str()));
        }
    }
}
