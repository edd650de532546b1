//! Walks: pages of records, each from a snapshot of its own.
//!
//! Guarantees: a bounded number of records at a time, however long the walk; a seek beyond the page asks
//! for a short one first, since a delimiter that skips once will skip again.

use object_engine::catalog::{CatalogError, Direction, KEY_BYTES_MAX, Space, Stamp, Step, Visitor};
use tokio_postgres::Row;

use crate::{PostgresCatalog, checked::verified, failure, number};

/// Records of the first page, and of one after a seek beyond a page.
const PAGE_MIN: i64 = 16;

/// Records of a page at most: a listing's thousand, and what tells that there are more.
const PAGE_MAX: i64 = 1_024;

/// Of the records with sealed bytes in them, each of some 16 KiB.
const INLINE_PAGE_MAX: i64 = 64;

pub(crate) async fn walk(
    catalog: &PostgresCatalog,
    (space, from, direction): (Space, &[u8], Direction),
    visitor: &mut Visitor<'_>,
) -> Result<(), CatalogError> {
    let most = if space == Space::Inline { INLINE_PAGE_MAX } else { PAGE_MAX };
    let mut limit = PAGE_MIN;
    let mut from = from.to_vec();
    loop {
        let rows = page(catalog, (space, &from, direction), limit).await?;
        let is_last = (rows.len() as i64) < limit;
        match visit(&rows, direction, visitor)? {
            Visited::Stop => return Ok(()),
            Visited::Beyond(target) => {
                limit = PAGE_MIN;
                from = target;
            }
            Visited::All if is_last => return Ok(()),
            Visited::All => {
                let last = rows.last().map_or(Ok(&[][..]), key_of)?;
                let Some(next) = after(last, direction) else { return Ok(()) };
                limit = (limit * 4).min(most);
                from = next;
            }
        }
    }
}

/// What a page's visit came to.
enum Visited {
    /// Every record of it was seen, or skipped.
    All,
    /// The visitor wants no more.
    Stop,
    /// The visitor wants to go on from here, which the page does not reach.
    Beyond(Vec<u8>),
}

fn visit(
    rows: &[Row],
    direction: Direction,
    visitor: &mut Visitor<'_>,
) -> Result<Visited, CatalogError> {
    let is_before = |key: &[u8], target: &[u8]| match direction {
        Direction::Forward => key < target,
        Direction::Backward => key > target,
    };
    let mut sought: Option<Vec<u8>> = None;
    for row in rows {
        let key = key_of(row)?;
        if sought.as_ref().is_some_and(|target| is_before(key, target)) {
            continue;
        }
        sought = None;
        let stamp: i64 = row.try_get(1).map_err(unreadable)?;
        let value: &[u8] = row.try_get(2).map_err(unreadable)?;
        match visitor(key, Stamp(stamp.cast_unsigned()), verified(key, value)?) {
            Step::Stop => return Ok(Visited::Stop),
            // A walk never turns.
            Step::Seek(target) if is_before(key, &target) => sought = Some(target),
            Step::Next | Step::Seek(_) => {}
        }
    }
    Ok(sought.map_or(Visited::All, Visited::Beyond))
}

async fn page(
    catalog: &PostgresCatalog,
    (space, from, direction): (Space, &[u8], Direction),
    limit: i64,
) -> Result<Vec<Row>, CatalogError> {
    let statements = &catalog.inner.statements;
    let statement = match direction {
        Direction::Forward => &statements.forward,
        Direction::Backward => &statements.backward,
    };
    let session = catalog.session().await.map_err(CatalogError::Unavailable)?;
    let rows = session.ask(statement, &[&number(space), &from, &limit]).await;
    rows.map_err(|error| failure::unreadable(&error))
}

fn key_of(row: &Row) -> Result<&[u8], CatalogError> {
    row.try_get(0).map_err(unreadable)
}

fn unreadable(error: tokio_postgres::Error) -> CatalogError {
    CatalogError::Unavailable(failure::told(&error))
}

/// A key from which on the next page has everything but `last`, and nothing that was seen.
fn after(last: &[u8], direction: Direction) -> Option<Vec<u8>> {
    let mut next = last.to_vec();
    match direction {
        Direction::Forward => next.push(0),
        // The largest key below: the last byte less one, and then as far as a key can go.
        Direction::Backward => match next.pop()? {
            0 => {}
            byte => {
                next.push(byte - 1);
                next.resize(KEY_BYTES_MAX.max(next.len()), 0xFF);
            }
        },
    }
    (!next.is_empty()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_right_beside_the_last_record() {
        assert_eq!(after(b"a", Direction::Forward).unwrap(), b"a\0");
        assert_eq!(after(b"a\0", Direction::Backward).unwrap(), b"a");
        assert_eq!(after(b"\0", Direction::Backward), None, "no key is smaller");
        let below = after(b"ab", Direction::Backward).unwrap();
        assert!(below.as_slice() < &b"ab"[..] && below.starts_with(b"aa\xFF"));
        assert_eq!(below.len(), KEY_BYTES_MAX, "every key below has a place before it");
    }
}
