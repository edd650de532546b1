//! One server at a time, or several that agree to be several: a lock of PostgreSQL's that lives as long as a
//! connection.
//!
//! Guarantees: while the connection of a server that is alone stands, every other that opens the same
//! schema is refused; while those of servers that share it stand, one that would be alone is refused.
//! A server takes the lock again after a failover, and says loudly if it cannot.
//! Does not: fence. What a server that lost the lock writes is refused by the engine's own leases, which the
//! next one sweeps. Behind a pooler that shares connections there is no such lock, and none is taken.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{OpenError, connect::Connector, failure, location::Location};

/// The first half of the lock's key, drawn once at random; the schema's name gives the second.
const SERVING: i32 = 0x2C6E_19B3;

/// How often the connection is looked at, and how often a lost lock is sought.
const INTERVAL: Duration = Duration::from_secs(5);

/// Who else may be at work on the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nobody.
    None,
    /// Others that allow it, too.
    Others,
}

impl Company {
    fn asked(self) -> &'static str {
        match self {
            Self::None => "SELECT pg_try_advisory_lock($1, hashtext($2))",
            Self::Others => "SELECT pg_try_advisory_lock_shared($1, hashtext($2))",
        }
    }

    fn refusal(self) -> &'static str {
        match self {
            Self::None => "another server is at work on this schema",
            Self::Others => "a server that must be the only one is at work on this schema",
        }
    }
}

/// Holds the lock until dropped.
pub(crate) struct Present(JoinHandle<()>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the lock, or says who is in the way.
pub(crate) async fn present(location: &Location, company: Company) -> Result<Present, OpenError> {
    let locked = lock(location, company).await.map_err(OpenError::Unusable)?;
    let Some(held) = locked else {
        return Err(OpenError::Unusable(company.refusal().to_owned()));
    };
    Ok(Present(tokio::spawn(keep(location.clone(), company, held))))
}

/// A connection that holds the lock. Its driver ends when it is dropped.
struct Held {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn lock(location: &Location, company: Company) -> Result<Option<Held>, String> {
    let told = |error: tokio_postgres::Error| failure::told(&error);
    let connector = Connector::new(location).map_err(|error| error.to_string())?;
    let (client, driver) = connector.connection(&location.config).await.map_err(told)?;
    let held = Held { client, driver };
    let schema = location.schema.in_sql("@");
    let row = held.client.query_one(company.asked(), &[&SERVING, &schema]).await.map_err(told)?;
    let is_ours: bool = row.try_get(0).map_err(told)?;
    Ok(is_ours.then_some(held))
}

async fn keep(location: Location, company: Company, held: Held) {
    let mut held = Some(held);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let stands = match &held {
            Some(held) => held.client.simple_query("").await.is_ok(),
            None => false,
        };
        if stands {
            continue;
        }
        held = None;
        match lock(&location, company).await {
            Ok(Some(again)) => {
                tracing::info!("took the catalog's lock again");
                held = Some(again);
            }
            Ok(None) => {
                tracing::error!("another server has taken this catalog; end one of the two")
            }
            Err(told) => tracing::warn!(told, "the catalog's lock is lost; trying again"),
        }
    }
}
