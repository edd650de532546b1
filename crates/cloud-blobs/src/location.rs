//! Where the blobs are: a URL of a bucket or container and a few parameters.
//!
//! Guarantees: a URL that holds a secret is refused, and nothing that this module says holds more of it
//! than bucket, prefix and endpoint.
//!
//! `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or `memory:` (for tests) with
//!
//! | parameter | meaning | default |
//! |---|---|---|
//! | `endpoint` | the service's URL; for Azure with the account, as in `https://host/account` | the provider's |
//! | `region` | what requests are signed for (S3 only) | the environment's, else `us-east-1` |
//! | `allow_http` | `true`: the endpoint may be plain HTTP | `false` |
//! | `ca` | PEM file of the CAs that may have signed the server's certificate | the system's |
//! | `segment_mib` | the longest object written, in MiB, 1 to 64 | 8 |

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    memory::InMemory,
};
use percent_encoding::percent_decode_str;

use crate::transport::Transport;

/// What fills a writer's memory twice over and is still no small object to any backend.
const SEGMENT_MIB_DEFAULT: usize = 8;

/// Six requests, with jitter, within less than a client waits for its answer.
const RETRIES_MAX: usize = 5;
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
const BACKOFF: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(100),
    max_backoff: Duration::from_secs(5),
    base: 2.0,
};

/// Whose protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    S3,
    Azure,
    Google,
    Memory,
}

/// A parsed URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    provider: Provider,
    bucket: String,
    pub(crate) prefix: String,
    endpoint: Option<String>,
    region: Option<String>,
    allow_http: bool,
    ca: Option<PathBuf>,
    pub(crate) segment_bytes: usize,
}

/// The user: what is wrong with a URL. Says the parameter and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL for blobs: {0}")]
pub struct InvalidLocation(String);

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location")
            .field("provider", &self.provider)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(url: &str) -> Result<Self, InvalidLocation> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = address.split_once(':').unwrap_or((address, ""));
        let provider = match scheme {
            "s3" => Provider::S3,
            "az" => Provider::Azure,
            "gs" => Provider::Google,
            "memory" => Provider::Memory,
            _ => return Err(invalid("it begins with s3:, az:, gs: or memory:")),
        };
        if rest.contains('@') {
            return Err(invalid("credentials belong in the environment, not in it"));
        }
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() != (provider == Provider::Memory) {
            return Err(invalid("it names a bucket or container, as in s3://bucket/prefix"));
        }
        let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
        let (endpoint, region, ca) = (None, None, None);
        let segment_bytes = SEGMENT_MIB_DEFAULT << 20;
        let allow_http = false;
        let mut ours =
            Self { provider, bucket, prefix, endpoint, region, allow_http, ca, segment_bytes };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            ours.take(parameter)?;
        }
        ours.check()
    }
}

fn invalid(what: &str) -> InvalidLocation {
    InvalidLocation(what.to_owned())
}

impl Location {
    /// What is the same place under any endpoint, as a URL without parameters.
    #[must_use]
    pub fn place(&self) -> String {
        let Self { bucket, prefix, .. } = self;
        match self.provider {
            Provider::S3 => format!("s3://{bucket}/{prefix}"),
            Provider::Azure => format!("az://{bucket}/{prefix}"),
            Provider::Google => format!("gs://{bucket}/{prefix}"),
            Provider::Memory => "memory:".to_owned(),
        }
    }

    /// Whether the other one leads to the same blobs: the same place under the same endpoint.
    #[must_use]
    pub fn is_same_store(&self, other: &Self) -> bool {
        (self.place(), &self.endpoint) == (other.place(), &other.endpoint)
    }

    fn take(&mut self, parameter: &str) -> Result<(), InvalidLocation> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| invalid("its parameters are UTF-8"))?;
        match name {
            "endpoint" => self.endpoint = Some(endpoint(&value)?),
            "region" => self.region = Some(value.into_owned()),
            "ca" => self.ca = Some(PathBuf::from(&*value)),
            "allow_http" => {
                let wrong = |_| invalid("allow_http is true or false");
                self.allow_http = value.parse().map_err(wrong)?;
            }
            "segment_mib" => {
                let mib = value.parse::<usize>().ok().filter(|mib| (1..=64).contains(mib));
                self.segment_bytes = mib.ok_or_else(|| invalid("segment_mib is 1 to 64"))? << 20;
            }
            // Not even the name is repeated: it may be a secret that lost its own name.
            _ => {
                return Err(invalid(
                    "its parameters are endpoint, region, allow_http, ca and segment_mib",
                ));
            }
        }
        Ok(())
    }

    fn check(self) -> Result<Self, InvalidLocation> {
        let plain = self.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
        if plain && !self.allow_http {
            return Err(invalid("its endpoint is plain HTTP, which needs allow_http=true"));
        }
        Ok(self)
    }

    /// The store at this location. `environment` is where credentials come from: the providers' own
    /// variables, and where those name nothing, the machine's or container's role.
    pub(crate) fn connect(
        &self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Arc<dyn ObjectStore>, String> {
        if self.provider == Provider::Memory {
            return Ok(Arc::new(InMemory::new()));
        }
        let transport = Transport::new(self.ca.as_deref())?;
        let built = match self.provider {
            Provider::Azure => self.azure(environment, transport),
            Provider::Google => self.google(environment, transport),
            Provider::S3 | Provider::Memory => self.s3(environment, transport),
        };
        built.map_err(|error| error.to_string())
    }

    fn s3(
        &self,
        environment: impl Iterator<Item = (String, String)>,
        transport: Transport,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let mut builder = AmazonS3Builder::new().with_region("us-east-1");
        for (name, value) in environment.filter(|(name, _)| name.starts_with("AWS_")) {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        // TLS covers what the payload's digest would, and that digest costs more than TLS.
        builder = builder.with_unsigned_payload(!self.allow_http);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        let builder = builder.with_bucket_name(&self.bucket).with_allow_http(self.allow_http);
        let builder = builder.with_retry(retries()).with_http_connector(transport);
        Ok(Arc::new(builder.build()?))
    }

    fn azure(
        &self,
        environment: impl Iterator<Item = (String, String)>,
        transport: Transport,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let mut builder = MicrosoftAzureBuilder::new();
        for (name, value) in environment.filter(|(name, _)| name.starts_with("AZURE_")) {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AzureConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let builder = builder.with_container_name(&self.bucket).with_allow_http(self.allow_http);
        let builder = builder.with_retry(retries()).with_http_connector(transport);
        Ok(Arc::new(builder.build()?))
    }

    fn google(
        &self,
        environment: impl Iterator<Item = (String, String)>,
        transport: Transport,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let mut builder = GoogleCloudStorageBuilder::new();
        for (name, value) in environment.filter(|(name, _)| name.starts_with("GOOGLE_")) {
            if let Ok(key) = name.to_ascii_lowercase().parse::<GoogleConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        let builder = builder.with_bucket_name(&self.bucket);
        let builder = builder.with_retry(retries()).with_http_connector(transport);
        Ok(Arc::new(builder.build()?))
    }
}

fn endpoint(url: &str) -> Result<String, InvalidLocation> {
    let after = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = after.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']));
    if plain {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err(invalid("endpoint is https://host[:port][/path], without credentials or a query"))
    }
}

fn retries() -> RetryConfig {
    RetryConfig { backoff: BACKOFF, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t-pa55word";

    #[test]
    fn a_url_is_read_whole() {
        let url = "s3://vault/deep/er/?endpoint=https%3A%2F%2Fh:7443/&region=eu-1&ca=/ca.pem&segment_mib=16";
        let location: Location = url.parse().unwrap();
        assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("vault", "deep/er"));
        assert_eq!(location.endpoint.as_deref(), Some("https://h:7443"));
        assert_eq!(location.region.as_deref(), Some("eu-1"));
        assert_eq!(location.ca, Some(PathBuf::from("/ca.pem")));
        assert_eq!(location.segment_bytes, 16 << 20);
        for url in ["az://box", "gs://b/p", "memory:", "memory://"] {
            assert!(url.parse::<Location>().is_ok(), "{url}");
        }
    }

    #[test]
    fn the_same_bucket_elsewhere_is_another_store() {
        let at = |url: &str| url.parse::<Location>().unwrap();
        let here = at("s3://b/p?endpoint=https://h:1&segment_mib=4");
        assert!(here.is_same_store(&at("s3://b/p/?endpoint=https://h:1")));
        for other in ["s3://b/p?endpoint=https://h:2", "s3://b/p", "s3://b/q?endpoint=https://h:1"]
        {
            assert!(!here.is_same_store(&at(other)), "{other}");
        }
    }

    #[test]
    fn plain_http_has_to_be_asked_for() {
        assert!("s3://b?endpoint=http://h".parse::<Location>().is_err());
        assert!("s3://b?endpoint=http://h&allow_http=true".parse::<Location>().is_ok());
    }

    #[test]
    fn what_holds_a_secret_or_means_nothing_is_refused_and_not_repeated() {
        for url in [
            format!("s3://me:{SECRET}@bucket/"),
            format!("s3://b?endpoint=https://me:{SECRET}@h"),
            format!("az://c?endpoint=https://h/c?sig={SECRET}"),
            format!("s3://b?secret_access_key={SECRET}"),
            format!("s3://b?{SECRET}"),
            format!("s3://b?segment_mib={SECRET}"),
            format!("s3://b?allow_http={SECRET}"),
            format!("{SECRET}://b"),
            "s3:".to_owned(),
            "s3:///prefix".to_owned(),
            "memory://bucket".to_owned(),
        ] {
            let error = url.parse::<Location>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        }
    }
}
