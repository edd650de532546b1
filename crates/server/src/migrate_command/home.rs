//! What a server needs beside its catalog and blobs: the master key, root's credentials, the certificate.
//!
//! Guarantees: the new directory has the master key that the old one has, or neither has one; what stands in the
//! new directory is never overwritten. Does not: move a master key that is kept elsewhere (`--master-key-file`);
//! the new server must be given the same file, and draws no other key.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use crate::{
    data_dir::{DataDir, MASTER_KEY, MIGRATED, cannot, create_secret},
    failure::Failure,
};

/// What the new server could do without, but whose clients could not: root's credentials and the CA that they trust.
const KEPT: [&str; 5] =
    ["credentials", "tls/ca.pem", "tls/ca-key.pem", "tls/cert.pem", "tls/key.pem"];

/// Copies what is missing in the new directory.
pub(super) fn furnish(old: &DataDir, new: &DataDir) -> Result<(), Failure> {
    take_master_key(old, new)?;
    let has_tls = new.tls()?.join("ca.pem").exists();
    for name in KEPT.into_iter().filter(|name| !(has_tls && name.starts_with("tls/"))) {
        let to = new.path().join(name);
        if let Some(contents) = read(&old.path().join(name))?
            && !to.exists()
        {
            create_secret(&to, &contents)?;
        }
    }
    Ok(())
}

fn take_master_key(old: &DataDir, new: &DataDir) -> Result<(), Failure> {
    let path = |data: &DataDir| data.path().join(MASTER_KEY);
    match (read(&path(old))?, read(&path(new))?) {
        (Some(ours), None) => create_secret(&path(new), &ours),
        (Some(ours), Some(theirs)) if *ours == *theirs => Ok(()),
        (None, None) => note(new),
        (_, Some(_)) => Err(Failure::failed(format!(
            "{} has a master key of its own, which does not open what is to be moved",
            new.path().display()
        ))
        .hint("choose a data directory that was never served")),
    }
}

/// Keeps the first start from drawing a key: the right one is kept elsewhere.
fn note(new: &DataDir) -> Result<(), Failure> {
    let path = new.path().join(MIGRATED);
    let text = "filled by strongroom migrate; its master key is kept elsewhere\n";
    fs::write(&path, text).map_err(|error| cannot("write", &path, error))
}

/// A file's contents, if there is one.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    match fs::read(path) {
        Ok(contents) => Ok(Some(Zeroizing::new(contents))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (tempfile::TempDir, DataDir, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| DataDir::open_alone(&dir.path().join(name)).unwrap();
        let (old, new) = (open("old"), open("new"));
        (dir, old, new)
    }

    fn contents(data: &DataDir, name: &str) -> Option<Vec<u8>> {
        fs::read(data.path().join(name)).ok()
    }

    #[test]
    fn the_new_home_has_the_same_key_and_credentials_and_certificate() {
        let (_dir, old, new) = two();
        let key = old.master_key(None).unwrap();
        old.tls().unwrap();
        for name in KEPT {
            fs::write(old.path().join(name), name).unwrap();
        }
        furnish(&old, &new).unwrap();
        furnish(&old, &new).unwrap();
        assert_eq!(*new.master_key(None).unwrap(), *key);
        for name in KEPT {
            assert_eq!(contents(&new, name).unwrap(), name.as_bytes());
        }
    }

    #[test]
    fn what_stands_there_stays_and_another_master_key_is_refused() {
        let (_dir, old, new) = two();
        fs::write(old.path().join("credentials"), "old").unwrap();
        fs::write(new.path().join("credentials"), "new").unwrap();
        old.tls().unwrap();
        fs::write(old.path().join("tls/key.pem"), "old").unwrap();
        new.tls().unwrap();
        fs::write(new.path().join("tls/ca.pem"), "new").unwrap();
        furnish(&old, &new).unwrap();
        assert_eq!(contents(&new, "credentials").unwrap(), b"new");
        assert_eq!(contents(&new, "tls/key.pem"), None, "half of one certificate, half of another");
        fs::remove_file(new.path().join(MIGRATED)).unwrap();
        new.master_key(None).unwrap();
        assert!(furnish(&old, &new).unwrap_err().to_string().contains("of its own"));
        old.master_key(None).unwrap();
        assert!(furnish(&old, &new).unwrap_err().to_string().contains("of its own"));
    }

    #[test]
    fn no_key_is_drawn_where_the_right_one_is_kept_elsewhere() {
        let (_dir, old, new) = two();
        furnish(&old, &new).unwrap();
        let refusal = new.master_key(None).unwrap_err().to_string();
        assert!(refusal.contains("--master-key-file"), "{refusal}");
        assert!(contents(&new, MASTER_KEY).is_none());
    }
}
