//! One connection of the pool, and the statements that are asked of it.
//!
//! Guarantees: a connection whose statement was not answered in time, or was broken off, does not go
//! back to the pool. One whose statement nobody waits for any more (its request was dropped) goes back once
//! it has answered, if that is soon: nobody who takes it waits for another's statement.

use std::time::Duration;

use deadpool_postgres::Client;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::location::{Location, STATEMENT_TIMEOUT};

/// How long an answer is waited for: a little longer than PostgreSQL itself would take to give up.
const ANSWER_WAIT: Duration = STATEMENT_TIMEOUT.saturating_add(Duration::from_secs(2));

/// How long a statement that nobody waits for any more may keep its connection: most answer in a few
/// milliseconds, which costs less than another connection.
const ABANDONED_WAIT: Duration = Duration::from_secs(1);

/// A statement's text and the types of its parameters.
pub(crate) struct Statement {
    text: String,
    types: Vec<Type>,
}

/// What is asked of PostgreSQL, for one schema.
pub(crate) struct Statements {
    prepares: bool,
    pub(crate) read: Statement,
    pub(crate) forward: Statement,
    pub(crate) backward: Statement,
    pub(crate) commit: Statement,
    pub(crate) fate: Statement,
    pub(crate) forget: Statement,
}

impl Statements {
    pub(crate) fn new(location: &Location) -> Self {
        let statement = |text: &str, types: &[Type]| Statement {
            text: location.schema.in_sql(text),
            types: types.to_vec(),
        };
        let page = [Type::INT2, Type::BYTEA, Type::INT8];
        let commit = [
            Type::BYTEA,
            Type::INT2_ARRAY,
            Type::BYTEA_ARRAY,
            Type::INT8_ARRAY,
            Type::BOOL_ARRAY,
            Type::BYTEA_ARRAY,
        ];
        Self {
            prepares: location.prepares,
            read: statement(READ, &[Type::BOOL_ARRAY, Type::INT2_ARRAY, Type::BYTEA_ARRAY]),
            forward: statement(FORWARD, &page),
            backward: statement(BACKWARD, &page),
            commit: statement("SELECT @.commit($1, $2, $3, $4, $5, $6)", &commit),
            fate: statement("SELECT @.fate($1)", &[Type::BYTEA]),
            forget: statement("DELETE FROM @.commits WHERE at < now() - interval '1 hour'", &[]),
        }
    }
}

/// Each look-up is one descent of the primary key; a missing key does not bring its neighbour's value.
const READ: &str = "\
    SELECT q.number, f.key, f.stamp, f.value \
    FROM unnest($1, $2, $3) WITH ORDINALITY AS q (is_prefix, space, key, number) \
    CROSS JOIN LATERAL ( \
        SELECT r.key, r.stamp, r.value FROM @.records AS r \
        WHERE r.space = q.space AND r.key >= q.key ORDER BY r.key LIMIT 1 \
    ) AS f \
    WHERE f.key = q.key OR (q.is_prefix AND substring(f.key FOR length(q.key)) = q.key)";

const FORWARD: &str = "SELECT key, stamp, value FROM @.records \
    WHERE space = $1 AND key >= $2 ORDER BY key LIMIT $3";

const BACKWARD: &str = "SELECT key, stamp, value FROM @.records \
    WHERE space = $1 AND key <= $2 ORDER BY key DESC LIMIT $3";

/// Why a statement has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// PostgreSQL's or the connection's error.
    Postgres(tokio_postgres::Error),
    /// None came in time.
    TimedOut,
}

/// A connection taken from the pool.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) statements: &'a Statements,
}

impl Session<'_> {
    /// Asks, and waits until PostgreSQL is ready for the next statement: a commit's answer comes before its
    /// transaction ends, and counts only then.
    pub(crate) async fn ask(
        self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unanswered> {
        let mut asking = Asking(Some(self.client));
        let asked = asking.asked(self.statements.prepares, statement, parameters);
        let answer = tokio::time::timeout(ANSWER_WAIT, asked).await;
        let client = asking.0.take();
        match answer {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => {
                if error.as_db_error().is_none_or(crate::failure::ends_session) {
                    client.map(Client::take);
                }
                Err(Unanswered::Postgres(error))
            }
            Err(_) => {
                client.map(Client::take);
                Err(Unanswered::TimedOut)
            }
        }
    }
}

/// A connection whose statement is not answered yet; empty once it is.
struct Asking(Option<Client>);

impl Asking {
    async fn asked(
        &self,
        prepares: bool,
        Statement { text, types }: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = self.0.as_ref().expect("emptied only after the answer");
        if prepares {
            let prepared = client.prepare_typed_cached(text, types).await?;
            return client.query(&prepared, parameters).await;
        }
        let typed: Vec<_> = parameters.iter().copied().zip(types.iter().cloned()).collect();
        client.query_typed(text, &typed).await
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(outlive(client))),
            Err(_) => drop(Client::take(client)),
        }
    }
}

/// Lets a connection go back to the pool when it has answered what was asked of it, or ends it.
async fn outlive(client: Client) {
    // Statements are answered in order; an empty one changes nothing.
    let answered = tokio::time::timeout(ABANDONED_WAIT, client.simple_query("")).await;
    if !matches!(answered, Ok(Ok(_))) {
        drop(Client::take(client));
    }
}
