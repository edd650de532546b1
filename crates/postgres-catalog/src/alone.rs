//! One server at a time: a lock of PostgreSQL's that lives as long as a connection.
//!
//! Guarantees: a second server that opens the same schema is refused while the first one's connection
//! stands. The first takes the lock again after a failover, and says loudly if it cannot.
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

/// Holds the lock until dropped.
pub(crate) struct Alone(JoinHandle<()>);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the lock, or says who is in the way.
pub(crate) async fn alone(location: &Location) -> Result<Alone, OpenError> {
    let locked = lock(location).await.map_err(OpenError::Unusable)?;
    let Some(held) = locked else {
        return Err(OpenError::Unusable("another server is at work on this schema".to_owned()));
    };
    Ok(Alone(tokio::spawn(keep(location.clone(), held))))
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

async fn lock(location: &Location) -> Result<Option<Held>, String> {
    let told = |error: tokio_postgres::Error| failure::told(&error);
    let connector = Connector::new(location).map_err(|error| error.to_string())?;
    let (client, driver) = connector.connection(&location.config).await.map_err(told)?;
    let held = Held { client, driver };
    let schema = location.schema.in_sql("@");
    let asked = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    let row = held.client.query_one(asked, &[&SERVING, &schema]).await.map_err(told)?;
    let is_ours: bool = row.try_get(0).map_err(told)?;
    Ok(is_ours.then_some(held))
}

async fn keep(location: Location, held: Held) {
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
        match lock(&location).await {
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
