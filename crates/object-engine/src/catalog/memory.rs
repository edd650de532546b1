//! The catalog in memory: the model of the contract.
//!
//! Guarantees: the whole contract but durability, in the plainest code that can give it: three
//! ordered maps under one lock. Every read, walk and commit holds the lock from its beginning to its
//! end, so each sees one state and commits are serial.
//!
//! Does not: survive the process, share work between readers and writers, or ever report damage.
//! It is for tests, for simulation, and for trying a server whose objects may vanish.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;

use super::{
    Catalog, CatalogError, Commit, CommitError, Direction, Entry, Expect, Key, Mutation, Read,
    Space, Stamp, Step, Visitor,
};

/// An empty catalog at first; what is committed lives as long as the value.
#[derive(Default)]
pub struct MemoryCatalog {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    index: Tree,
    records: Tree,
    inline: Tree,
    last_stamp: u64,
}

type Tree = BTreeMap<Vec<u8>, Entry>;

impl MemoryCatalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    fn shared(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing that holds the lock for writing can panic")
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("nothing that holds the lock for writing can panic")
    }
}

/// Counts only: values may be sealed bytes and keys are customers' names.
impl fmt::Debug for MemoryCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared();
        f.debug_struct("MemoryCatalog")
            .field("index", &state.index.len())
            .field("records", &state.records.len())
            .field("inline", &state.inline.len())
            .field("last_stamp", &state.last_stamp)
            .finish()
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        let state = self.shared();
        Ok(reads.iter().map(|read| state.read(read)).collect())
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        let state = self.shared();
        let tree = state.tree(space);
        let mut target = from.to_vec();
        while let Some(seek) = match direction {
            Direction::Forward => visit_up(tree, &target, visitor),
            Direction::Backward => visit_down(tree, &target, visitor),
        } {
            target = seek;
        }
        Ok(())
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        commit.refuse_misuse()?;
        let mut state = self.exclusive();
        if !commit.checks.iter().all(|(key, expect)| state.holds(key, *expect)) {
            return Err(CommitError::Conflict);
        }
        Ok(state.apply(commit.mutations))
    }
}

impl State {
    fn tree(&self, space: Space) -> &Tree {
        match space {
            Space::Index => &self.index,
            Space::Records => &self.records,
            Space::Inline => &self.inline,
        }
    }

    fn tree_mut(&mut self, space: Space) -> &mut Tree {
        match space {
            Space::Index => &mut self.index,
            Space::Records => &mut self.records,
            Space::Inline => &mut self.inline,
        }
    }

    fn read(&self, read: &Read) -> Option<(Vec<u8>, Entry)> {
        let found = match read {
            Read::Get(key) => self.tree(key.space).get_key_value(&key.bytes),
            Read::First(key) => self
                .tree(key.space)
                .range::<[u8], _>((Bound::Included(key.bytes.as_slice()), Bound::Unbounded))
                .next()
                .filter(|(found, _)| found.starts_with(&key.bytes)),
        };
        found.map(|(key, entry)| (key.clone(), entry.clone()))
    }

    fn holds(&self, key: &Key, expect: Expect) -> bool {
        let found = self.tree(key.space).get(&key.bytes).map(|entry| entry.stamp);
        match expect {
            Expect::Absent => found.is_none(),
            Expect::Stamp(stamp) => found == Some(stamp),
        }
    }

    fn apply(&mut self, mutations: Vec<Mutation>) -> Stamp {
        self.last_stamp += 1;
        let stamp = Stamp(self.last_stamp);
        for mutation in mutations {
            match mutation {
                Mutation::Put(key, value) => {
                    self.tree_mut(key.space).insert(key.bytes, Entry { stamp, value });
                }
                Mutation::Delete(key) => {
                    self.tree_mut(key.space).remove(&key.bytes);
                }
            }
        }
        stamp
    }
}

/// Visits upwards from `from`; answers where the visitor wants to go on, or nothing at the end.
fn visit_up(tree: &Tree, from: &[u8], visitor: &mut Visitor<'_>) -> Option<Vec<u8>> {
    for (key, entry) in tree.range::<[u8], _>((Bound::Included(from), Bound::Unbounded)) {
        match visitor(key, entry.stamp, &entry.value) {
            Step::Seek(target) if target > *key => return Some(target),
            Step::Next | Step::Seek(_) => {}
            Step::Stop => return None,
        }
    }
    None
}

/// Visits downwards from `from`; answers where the visitor wants to go on, or nothing at the end.
fn visit_down(tree: &Tree, from: &[u8], visitor: &mut Visitor<'_>) -> Option<Vec<u8>> {
    for (key, entry) in tree.range::<[u8], _>((Bound::Unbounded, Bound::Included(from))).rev() {
        match visitor(key, entry.stamp, &entry.value) {
            Step::Seek(target) if target < *key => return Some(target),
            Step::Next | Step::Seek(_) => {}
            Step::Stop => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::contract;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_contract_holds() {
        contract::holds(|| Arc::new(MemoryCatalog::new())).await;
    }

    #[tokio::test]
    async fn debug_prints_neither_keys_nor_values() {
        let catalog = MemoryCatalog::new();
        let mut commit = Commit::default();
        let key = Key { space: Space::Inline, bytes: b"customer-name".to_vec() };
        commit.put(key, "sealed-bytes");
        catalog.commit(commit).await.unwrap();

        let printed = format!("{catalog:?}");
        assert!(printed.contains("inline: 1"), "{printed}");
        assert!(!printed.contains("customer") && !printed.contains("sealed"), "{printed}");
    }
}
