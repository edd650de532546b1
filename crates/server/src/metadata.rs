//! Where the catalog is: in the data directory, or in PostgreSQL.
//!
//! Guarantees: a URL, which may hold a password, is not printed, by no error either.
//! Does not: connect.

use std::fmt;

use serde::Deserialize;

use crate::failure::Failure;

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
    Postgres(SecretUrl),
}

impl Metadata {
    /// What `--metadata` means.
    pub(crate) fn parse(url: Option<SecretUrl>) -> Result<Self, Failure> {
        let Some(url) = url else { return Ok(Self::default()) };
        match url.expose().split_once(':') {
            Some(("lmdb", "")) => Ok(Self::DataDirectory),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url)),
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
        let parse = |url: &str| Metadata::parse(Some(SecretUrl::from(url)));
        assert!(matches!(Metadata::parse(None), Ok(Metadata::DataDirectory)));
        assert!(matches!(parse("lmdb:"), Ok(Metadata::DataDirectory)));
        let postgres = parse("postgres://me:s3cr3t@db/x").unwrap();
        assert!(!format!("{postgres:?}").contains("s3cr3t"));
        let error = parse("mysql://me:s3cr3t@db/x").unwrap_err();
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}
