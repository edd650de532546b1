//! LMDB, behind one committer thread that groups waiting commits into one synced transaction.
