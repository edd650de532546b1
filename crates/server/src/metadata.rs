//! Where the catalog is: in the data directory, or in PostgreSQL.
//!
//! Guarantees: a URL, which may hold a password, is not printed, by no error either.
//! Does not: connect.

use std::fmt;

use serde::Deserialize;

use crate::{cli::FrontEnds, failure::Failure};

/// A URL that may hold a password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretUrl(String);

impl SecretUrl {
    /// The URL itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl")
    }
}

/// Where the catalog is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Metadata {
    /// In the data directory, in LMDB.
    #[default]
    DataDirectory,
    /// In PostgreSQL.
    Postgres {
        /// Its URL.
        url: SecretUrl,
        /// Whether other servers may be at work on it.
        front_ends: FrontEnds,
    },
}

impl Metadata {
    /// What `--metadata` and `--front-ends` mean together.
    pub(crate) fn parse(
        url: Option<SecretUrl>,
        front_ends: Option<FrontEnds>,
    ) -> Result<Self, Failure> {
        let front_ends = front_ends.unwrap_or_default();
        let url = url.unwrap_or_else(|| SecretUrl::from("lmdb:"));
        match url.expose().split_once(':') {
            Some(("lmdb", "")) if front_ends != FrontEnds::One => {
                Err(Failure::wrong_usage("--front-ends several needs a catalog in PostgreSQL")
                    .hint("name it with --metadata; an LMDB catalog has one server"))
            }
            Some(("lmdb", "")) => Ok(Self::DataDirectory),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres { url, front_ends }),
            _ => Err(Failure::wrong_usage("--metadata is lmdb: or begins with postgres://")
                .hint("docs/operations/configure.md has the parameters of a PostgreSQL URL")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_directory_or_postgres_and_never_shown() {
        let parse = |url: &str| Metadata::parse(Some(SecretUrl::from(url)), None);
        assert!(matches!(Metadata::parse(None, None), Ok(Metadata::DataDirectory)));
        assert!(matches!(parse("lmdb:"), Ok(Metadata::DataDirectory)));
        let postgres = parse("postgres://me:s3cr3t@db/x").unwrap();
        assert!(!format!("{postgres:?}").contains("s3cr3t"));
        let error = parse("mysql://me:s3cr3t@db/x").unwrap_err();
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }

    #[test]
    fn only_a_catalog_in_postgresql_has_several_front_ends() {
        let several =
            |url: Option<&str>| Metadata::parse(url.map(SecretUrl::from), Some(FrontEnds::Several));
        assert!(several(None).is_err());
        assert!(several(Some("lmdb:")).is_err());
        let shared = several(Some("postgres://db/x")).unwrap();
        assert!(matches!(shared, Metadata::Postgres { front_ends: FrontEnds::Several, .. }));
    }
}
