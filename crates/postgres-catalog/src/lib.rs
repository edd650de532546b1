//! The catalog's contract over PostgreSQL: one ordered table, one function call a commit.
//!
//! Guarantees, beside the contract of [`object_engine::catalog`]:
//! - A commit is one round trip and one transaction. One whose answer was lost (a broken connection, a
//!   failover, a time-out, a replica that was not waited for) is looked up by its id before it is said to
//!   have failed or succeeded; the look-up refuses it for good if it has not taken effect, so that it
//!   cannot take effect afterwards.
//! - What is acknowledged is as durable as the server's `synchronous_commit`, which is never weaker than `on`.
//! - Stamps come from a sequence: a record's stamps grow, and a commit that begins after another returned
//!   has the larger one. Of two commits at the same time either may have it.
//! - A read sees one snapshot; a walk sees one for each of its pages.
//!
//! Does not: shard, vacuum, or manage replicas; those are PostgreSQL's and its operator's.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use object_engine::{
    catalog::{
        Catalog, CatalogError, Commit, CommitError, Direction, Entry, Read, Space, Stamp, Visitor,
    },
    entropy::Entropy,
};

mod alone;
mod checked;
mod commit;
mod connect;
mod failure;
mod location;
mod read;
mod schema;
mod session;
mod walk;

pub use location::InvalidLocation;

use alone::Company;
use connect::Connector;
use location::Location;
use schema::{SchemaError, migrate};
use session::{Session, Statements};

/// How long a request waits for a connection of the pool, and for a new one to be made: less than a
/// client waits, more than a failover that has found its new primary needs.
const POOL_WAIT: Duration = Duration::from_secs(15);

/// How often ids of old commits are removed. They are kept for an hour, some sixty times what a commit is
/// asked about.
const FORGETTING: Duration = Duration::from_secs(600);

/// The catalog. Cheap to clone.
#[derive(Clone)]
pub struct PostgresCatalog {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    statements: Statements,
    entropy: Arc<dyn Entropy>,
    shown: String,
    /// While this lives, [`PostgresCatalog::open_alone`] is refused to others, and so is
    /// [`PostgresCatalog::open_beside`] if this server is alone.
    _present: Option<alone::Present>,
}

/// Why the catalog cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// User: the URL is not one.
    #[error(transparent)]
    Location(#[from] InvalidLocation),
    /// Operator: PostgreSQL cannot be reached, or its schema cannot be used. Names no secret.
    #[error("cannot use the PostgreSQL catalog: {0}")]
    Unusable(String),
}

impl PostgresCatalog {
    /// Opens the catalog at `url` (`location.rs` has its parameters), and brings its schema up to date.
    /// `entropy` draws the ids of commits.
    pub async fn open(url: &str, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        Self::open_at(Location::parse(url)?, entropy, None).await
    }

    /// As [`Self::open`], for a server that must be the only one at work on the schema.
    pub async fn open_alone(url: &str, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        Self::open_in(Location::parse(url)?, entropy, Company::None).await
    }

    /// As [`Self::open`], for a server beside which others may be at work that open it so, too.
    pub async fn open_beside(url: &str, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        Self::open_in(Location::parse(url)?, entropy, Company::Others).await
    }

    async fn open_in(
        location: Location,
        entropy: Arc<dyn Entropy>,
        company: Company,
    ) -> Result<Self, OpenError> {
        let present = match location.prepares {
            true => Some(alone::present(&location, company).await?),
            false => None,
        };
        Self::open_at(location, entropy, present).await
    }

    async fn open_at(
        location: Location,
        entropy: Arc<dyn Entropy>,
        present: Option<alone::Present>,
    ) -> Result<Self, OpenError> {
        let connector = Connector::new(&location)?;
        let unusable = |error: SchemaError| OpenError::Unusable(failure::told(&error));
        let (mut client, driver) =
            connector.connection(&location.config).await.map_err(|error| unusable(error.into()))?;
        let migrated = migrate(&mut client, &location.schema).await;
        driver.abort();
        migrated.map_err(unusable)?;
        let shown = format!("{location:?}");
        let statements = Statements::new(&location);
        let pool = pool(location, connector)?;
        let inner = Arc::new(Inner { pool, statements, entropy, shown, _present: present });
        tokio::spawn(forget(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    async fn session(&self) -> Result<Session<'_>, String> {
        let client = self.inner.pool.get().await.map_err(|error| failure::told(&error))?;
        Ok(Session { client, statements: &self.inner.statements })
    }
}

/// Removes, now and then, the ids of commits that nobody can ask about any more.
async fn forget(catalog: Weak<Inner>) {
    loop {
        tokio::time::sleep(FORGETTING).await;
        let Some(inner) = catalog.upgrade() else { return };
        let catalog = PostgresCatalog { inner };
        let forgotten = match catalog.session().await {
            Ok(session) => session.ask(&catalog.inner.statements.forget, &[]).await,
            Err(told) => {
                tracing::debug!(told, "old commits could not be forgotten yet");
                continue;
            }
        };
        if let Err(error) = forgotten {
            tracing::debug!(?error, "old commits could not be forgotten yet");
        }
    }
}

fn pool(location: Location, connector: Connector) -> Result<Pool, OpenError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(location.config, connector, recycling);
    let timeouts =
        Timeouts { wait: Some(POOL_WAIT), create: Some(POOL_WAIT), recycle: Some(POOL_WAIT) };
    Pool::builder(manager)
        .max_size(location.pool_size)
        .timeouts(timeouts)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| OpenError::Unusable(error.to_string()))
}

impl fmt::Debug for PostgresCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresCatalog").field(&self.inner.shown).finish()
    }
}

#[async_trait]
impl Catalog for PostgresCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        read::read(self, reads).await
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        walk::walk(self, (space, from, direction), visitor).await
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        commit::commit(self, commit).await
    }
}

/// The number of a space in the table.
fn number(space: Space) -> i16 {
    match space {
        Space::Index => 0,
        Space::Records => 1,
        Space::Inline => 2,
    }
}
