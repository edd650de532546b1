//! Reads: several keys in one snapshot and one round trip.

use object_engine::catalog::{CatalogError, Entry, Read, Stamp};

use crate::{PostgresCatalog, checked::verified_owned, failure, number};

pub(crate) async fn read(
    catalog: &PostgresCatalog,
    reads: &[Read],
) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
    if reads.is_empty() {
        return Ok(Vec::new());
    }
    let parts = |read| match read {
        Read::Get(key) => (false, key),
        Read::First(key) => (true, key),
    };
    let asked = || reads.iter().map(|read: &Read| parts(read.clone()));
    let prefixes: Vec<bool> = asked().map(|(is_prefix, _)| is_prefix).collect();
    let spaces: Vec<i16> = asked().map(|(_, key)| number(key.space)).collect();
    let keys: Vec<Vec<u8>> = asked().map(|(_, key)| key.bytes).collect();
    let session = catalog.session().await.map_err(CatalogError::Unavailable)?;
    let statement = &catalog.inner.statements.read;
    let rows = session.ask(statement, &[&prefixes, &spaces, &keys]).await;
    let mut answers = vec![None; reads.len()];
    for row in rows.map_err(|error| failure::unreadable(&error))? {
        let unreadable =
            |error: tokio_postgres::Error| CatalogError::Unavailable(failure::told(&error));
        let number: i64 = row.try_get(0).map_err(unreadable)?;
        let key: &[u8] = row.try_get(1).map_err(unreadable)?;
        let stamp: i64 = row.try_get(2).map_err(unreadable)?;
        let value: &[u8] = row.try_get(3).map_err(unreadable)?;
        let place = usize::try_from(number - 1).ok().and_then(|at| answers.get_mut(at));
        if let Some(place) = place {
            let entry =
                Entry { stamp: Stamp(stamp.cast_unsigned()), value: verified_owned(key, value)? };
            *place = Some((key.to_vec(), entry));
        }
    }
    Ok(answers)
}
