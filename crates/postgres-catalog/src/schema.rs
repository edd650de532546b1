//! The tables and functions, and how they come to be.
//!
//! Guarantees: migrations run once, in order, each with its number in one transaction; two front-ends
//! that migrate at once wait for each other; a schema newer than this program is refused, untouched.

use tokio_postgres::GenericClient;

/// Every migration there ever was; its number is its place, from 1.
const MIGRATIONS: [&str; 2] = [include_str!("schema/001.sql"), include_str!("schema/002.sql")];

/// A key of PostgreSQL's advisory locks, drawn once at random for this purpose.
const MIGRATING: i64 = 0x53A1_0E6B_77F2_9C4D;

/// Why the schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// Operator: another version of the program made it.
    #[error("the schema has version {found}; this program knows versions up to {known}")]
    Newer {
        /// What stands there.
        found: i32,
        /// What this program makes.
        known: i32,
    },
    /// Operator: PostgreSQL refuses, or is not there.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
}

/// Brings the schema to the newest version that this program knows.
pub(crate) async fn migrate(
    client: &mut tokio_postgres::Client,
    schema: &SchemaName,
) -> Result<(), SchemaError> {
    migrate_with(client, schema, &MIGRATIONS).await
}

async fn migrate_with(
    client: &mut tokio_postgres::Client,
    schema: &SchemaName,
    migrations: &[&str],
) -> Result<(), SchemaError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATING})")).await?;
    let found = version(&transaction, schema).await?;
    let known = i32::try_from(migrations.len()).expect("migrations are counted by hand");
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    for (number, migration) in (1..).zip(migrations).skip(found.unsigned_abs() as usize) {
        transaction.batch_execute(&schema.in_sql(migration)).await?;
        let noted = format!("UPDATE @.version SET number = {number}");
        transaction.batch_execute(&schema.in_sql(&noted)).await?;
        tracing::info!(schema = schema.0, number, "brought the catalog's schema to a new version");
    }
    transaction.commit().await?;
    Ok(())
}

/// The version that stands there; 0 and an empty schema if there is none.
async fn version(client: &impl GenericClient, schema: &SchemaName) -> Result<i32, SchemaError> {
    let made = "CREATE SCHEMA IF NOT EXISTS @; \
                CREATE TABLE IF NOT EXISTS @.version (number integer NOT NULL); \
                INSERT INTO @.version SELECT 0 WHERE NOT EXISTS (SELECT FROM @.version)";
    client.batch_execute(&schema.in_sql(made)).await?;
    let row = client.query_one(&schema.in_sql("SELECT number FROM @.version"), &[]).await?;
    Ok(row.try_get(0)?)
}

/// The name of a schema: lower-case letters, digits and `_`, at most 63 bytes, so that it needs no quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaName(String);

impl SchemaName {
    /// Parses a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        let is_name = (1..=63).contains(&name.len())
            && name.bytes().all(is_plain)
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.starts_with("pg_");
        is_name.then(|| Self(name.to_owned()))
    }

    /// A statement that names the schema as `@`.
    pub(crate) fn in_sql(&self, statement: &str) -> String {
        statement.replace('@', &self.0)
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("strongroom".to_owned())
    }
}
