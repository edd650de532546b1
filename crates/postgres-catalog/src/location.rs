//! Where the catalog is: a PostgreSQL connection URL and a few parameters of our own.
//!
//! Guarantees: nothing that this module says, not even an error about the URL, holds the password.
//!
//! `postgres://user:password@host1:5432,host2:5432/database?sslmode=require&…` is libpq's form; the hosts
//! are tried in order and the first that takes writes is used, so a failover is followed. Ours are:
//!
//! | parameter | meaning | default |
//! |---|---|---|
//! | `sslrootcert` | PEM file of the CA that must have signed the server's certificate | none: TLS needs it |
//! | `schema` | the schema that holds the tables | `strongroom` |
//! | `pool_size` | connections at most | 16 |
//! | `prepared_statements` | `off` behind a pooler that shares connections between transactions | `on` |

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

use crate::schema::SchemaName;

/// Connections at most, unless the URL says otherwise: more than a few for each core of the database
/// server wait there for each other.
const POOL_SIZE_DEFAULT: usize = 16;

/// How long one host is given to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take for one statement.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// A parsed URL.
#[derive(Clone)]
pub(crate) struct Location {
    pub(crate) config: Config,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) schema: SchemaName,
    pub(crate) pool_size: usize,
    pub(crate) prepares: bool,
}

/// The user: what is wrong with a URL. Says the parameter and never the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a PostgreSQL URL: {0}")]
pub struct InvalidLocation(pub(crate) String);

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location")
            .field("hosts", &self.config.get_hosts())
            .field("database", &self.config.get_dbname())
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Location {
    /// Parses a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidLocation> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidLocation("it begins with postgres:// or postgresql://".into()));
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut ours = Self {
            config: Config::new(),
            root_certificate: None,
            schema: SchemaName::default(),
            pool_size: POOL_SIZE_DEFAULT,
            prepares: true,
        };
        let mut theirs = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            if !ours.take(parameter)? {
                theirs.push(parameter);
            }
        }
        let url = format!("{address}?{}", theirs.join("&"));
        // The parser's own text may quote the part that it stumbled over.
        ours.config = Config::from_str(&url).map_err(|_| {
            InvalidLocation("its user, hosts, database or a parameter cannot be read".into())
        })?;
        ours.complete()
    }

    /// Takes a parameter that is ours; `false`: it is PostgreSQL's.
    fn take(&mut self, parameter: &str) -> Result<bool, InvalidLocation> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let wrong = |what: &str| InvalidLocation(format!("{name} must be {what}"));
        let value = percent_decode_str(value).decode_utf8().map_err(|_| wrong("UTF-8"))?;
        match name {
            "sslrootcert" => self.root_certificate = Some(PathBuf::from(&*value)),
            "schema" => {
                let schema = SchemaName::parse(&value);
                self.schema = schema.ok_or_else(|| wrong("lower-case letters, digits and _"))?;
            }
            "pool_size" => {
                let size = value.parse().ok().filter(|size| (1..=1_000).contains(size));
                self.pool_size = size.ok_or_else(|| wrong("1 to 1000"))?;
            }
            "prepared_statements" => {
                self.prepares = match &*value {
                    "on" => true,
                    "off" => false,
                    _ => return Err(wrong("on or off")),
                };
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sets what is not the URL's to say, and what it did not say.
    fn complete(mut self) -> Result<Self, InvalidLocation> {
        let is_local = |host: &Host| matches!(host, Host::Unix(_));
        let all_local = self.config.get_hosts().iter().all(is_local);
        match self.config.get_ssl_mode() {
            SslMode::Disable => {}
            // "Prefer" would send what a catalog holds in clear to whoever refuses TLS.
            _ if all_local => {
                self.config.ssl_mode(SslMode::Disable);
            }
            _ if self.root_certificate.is_none() => {
                return Err(InvalidLocation(
                    "hosts beyond this machine need sslrootcert, or sslmode=disable".into(),
                ));
            }
            _ => {
                self.config.ssl_mode(SslMode::Require);
            }
        }
        self.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if self.config.get_connect_timeout().is_none() {
            self.config.connect_timeout(CONNECT_TIMEOUT);
        }
        if self.config.get_application_name().is_none() {
            self.config.application_name("strongroom");
        }
        // A pooler that shares connections refuses settings of a session.
        if self.prepares && self.config.get_options().is_none() {
            let milliseconds = STATEMENT_TIMEOUT.as_millis();
            self.config.options(format!("-c statement_timeout={milliseconds}"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t-pa55word";

    #[test]
    fn a_url_is_read_with_ours_and_theirs() {
        let url = "postgres://me@db1:5433,db2/objects?sslmode=disable&schema=tenant_7&pool_size=4\
                   &prepared_statements=off";
        let location = Location::parse(url).unwrap();
        assert_eq!(location.config.get_hosts().len(), 2);
        assert_eq!(location.config.get_dbname(), Some("objects"));
        assert_eq!((location.pool_size, location.prepares), (4, false));
        assert_eq!(location.schema.in_sql("@.records"), "tenant_7.records");
        assert_eq!(location.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(location.config.get_options(), None, "a pooler would refuse it");
    }

    #[test]
    fn nothing_goes_over_a_network_in_clear_unless_asked_for() {
        assert!(Location::parse("postgres://me@db/x").is_err());
        assert!(Location::parse("postgres://me@db/x?sslmode=prefer").is_err());
        let required = Location::parse("postgres://me@db/x?sslrootcert=/ca.pem").unwrap();
        assert_eq!(required.config.get_ssl_mode(), SslMode::Require);
        let local = Location::parse("postgres://me@%2Frun%2Fpostgresql/x").unwrap();
        assert_eq!(local.config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn no_error_and_no_debug_shows_the_password() {
        for rest in ["db:notaport/x", "db/x?schema=UPPER", "db/x?unknown=1", "db/x", "[/x"] {
            let error = Location::parse(&format!("postgres://me:{SECRET}@{rest}")).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        }
        let url = format!("postgres://me:{SECRET}@db/x?sslmode=disable");
        assert!(!format!("{:?}", Location::parse(&url).unwrap()).contains(SECRET));
    }
}
