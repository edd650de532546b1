//! Where blobs are: in files of the data directory, or in an object store.
//!
//! Guarantees: a data directory whose blobs are in one place is not opened with them in another, where its
//! objects could not be read and its sweeps would find nothing to delete. Does not: move blobs, or know whose they
//! are; the engine does, so a place is noted by who has opened an engine over it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cloud_blobs::{CloudBlobs, Location};
use object_engine::{
    blobs::{
        BlobStore,
        buffers::BufferPool,
        files::{FileBlobs, FileOptions},
    },
    engine::ForeignBlobs,
};

use crate::{
    data_dir::{DataDir, cannot},
    failure::Failure,
};

/// The file that says where the blobs of a data directory are; missing: in its files.
const NOTE: &str = "blobs.location";

/// Blobs, and where they are.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) blobs: Arc<dyn BlobStore>,
    /// As an operator knows it.
    pub(super) place: String,
    /// The file that says so, where that is not the data directory itself.
    note: Option<PathBuf>,
}

impl Opened {
    /// Notes for all later starts where the blobs are. Whether this was not known.
    pub(super) fn note(&self) -> Result<bool, Failure> {
        let Some(note) = &self.note else { return Ok(false) };
        let is_new = !note.exists();
        fs::write(note, &self.place).map_err(|error| cannot("write", note, error))?;
        Ok(is_new)
    }

    /// Takes the note back, since the place is another's.
    pub(super) fn forget(&self) -> Result<(), Failure> {
        let Some(note) = &self.note else { return Ok(()) };
        fs::remove_file(note).map_err(|error| cannot("remove", note, error))
    }
}

/// Opens the blobs of a data directory.
pub(super) async fn open(
    data: &DataDir,
    location: Option<&Location>,
    buffers: BufferPool,
) -> Result<Opened, Failure> {
    open_with(data, location, (buffers, environment())).await
}

/// Opens the blobs of one side of a migration. Its credentials may have `STRONGROOM_<side>_` in front.
pub(super) async fn open_for(
    data: &DataDir,
    location: Option<&Location>,
    (side, buffers): (&str, BufferPool),
) -> Result<Opened, Failure> {
    open_with(data, location, (buffers, one_side(environment(), side))).await
}

/// The variables of this process.
fn environment() -> Vec<(String, String)> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.into_string().ok()?)) // no provider's is anything else
    });
    variables.collect()
}

/// The variables as one side of a migration has them: where there is any of its own, no others of that provider.
fn one_side(all: Vec<(String, String)>, side: &str) -> Vec<(String, String)> {
    let mark = format!("STRONGROOM_{side}_");
    let provider = |name: &str| name.split_once('_').map(|(provider, _)| provider.to_owned());
    let own: Vec<_> = all
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(&mark)?.to_owned(), value.clone())))
        .collect();
    let is_own = |name: &str| {
        provider(name).is_some() && own.iter().any(|(own, _)| provider(own) == provider(name))
    };
    let others = all.into_iter().filter(|(name, _)| !is_own(name));
    others.chain(own.iter().cloned()).collect()
}

async fn open_with(
    data: &DataDir,
    location: Option<&Location>,
    (buffers, environment): (BufferPool, Vec<(String, String)>),
) -> Result<Opened, Failure> {
    check(data.path(), location)?;
    let Some(location) = location else {
        let path = data.blobs()?;
        let opened = FileBlobs::open(&path, FileOptions { buffers, ..FileOptions::default() });
        let blobs = opened.map_err(|error| cannot("open the blobs", &path, error))?;
        let place = path.display().to_string();
        return Ok(Opened { blobs: Arc::new(blobs), place, note: None });
    };
    let opened = CloudBlobs::open(location, environment.into_iter(), buffers).await;
    let blobs = opened.map_err(|error| {
        Failure::failed("the object store for blobs cannot be used")
            .detail(error)
            .hint("credentials come from AWS_…, AZURE_… or GOOGLE_… variables")
    })?;
    let note = Some(data.path().join(NOTE));
    Ok(Opened { blobs: Arc::new(blobs), place: location.place(), note })
}

/// Refuses a place other than the one that the blobs of this data directory are in.
fn check(data: &Path, location: Option<&Location>) -> Result<(), Failure> {
    let note = data.join(NOTE);
    let noted = match fs::read_to_string(&note) {
        Ok(place) => Some(place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot("read", &note, error)),
    };
    let has_files = || fs::read_dir(data.join("blobs")).is_ok_and(|mut dir| dir.next().is_some());
    let elsewhere = match (&noted, location) {
        (Some(noted), given) if given.map(Location::place).as_ref() != Some(noted) => noted.clone(),
        (None, Some(_)) if has_files() => "files of the data directory".to_owned(),
        _ => return Ok(()),
    };
    Err(Failure::wrong_usage(format!("the blobs of {} are elsewhere", data.display()))
        .detail(elsewhere)
        .hint(
            "name that place with --blobs (or STRONGROOM_BLOBS), or serve another data directory",
        ))
}

/// Says what was found where the blobs of another installation are, or may be, and what to do.
pub(super) fn foreign(place: &str, why: ForeignBlobs) -> Failure {
    let hint = match why {
        ForeignBlobs::OfAnother { .. } => {
            "name a place of this installation's own with --blobs, or another data directory; if this \
             installation's catalog was lost, restore that first"
        }
        ForeignBlobs::OfAnUnknown => {
            "if they are this installation's, its catalog was lost: restore that first; otherwise name a \
             place where nothing is yet"
        }
        ForeignBlobs::Unmarked { .. } => {
            "name the place that they are in, and see that it is mounted; if it is this one, put its mark back \
             as docs/operations/blobs-in-an-object-store.md says"
        }
    };
    Failure::failed(format!("the blobs in {place} are not this catalog's")).detail(why).hint(hint)
}

#[cfg(test)]
mod tests {
    use object_engine::blobs::memory::MemoryBlobs;

    use super::*;

    #[test]
    fn one_sides_own_credentials_take_the_place_of_all_others_of_that_provider() {
        let all = [
            ("AWS_ACCESS_KEY_ID", "both"),
            ("AWS_SESSION_TOKEN", "both"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "azure"),
            ("STRONGROOM_TO_AWS_ACCESS_KEY_ID", "to"),
        ];
        let all: Vec<_> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let has = |side: &str, name: &str| {
            let variables = one_side(all.clone(), side);
            variables.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
        };
        assert_eq!(has("TO", "AWS_ACCESS_KEY_ID").unwrap(), "to");
        assert_eq!(has("TO", "AWS_SESSION_TOKEN"), None, "a token of other keys");
        assert_eq!(has("TO", "AZURE_STORAGE_ACCOUNT_NAME").unwrap(), "azure");
        assert_eq!(has("FROM", "AWS_ACCESS_KEY_ID").unwrap(), "both");
        assert_eq!(has("FROM", "AWS_SESSION_TOKEN").unwrap(), "both");
    }

    #[test]
    fn blobs_are_not_looked_for_where_they_are_not() {
        let data = tempfile::tempdir().unwrap();
        let at = |url: &str| url.parse::<Location>().unwrap();
        let here = at("s3://bucket/prefix?region=a");
        assert!(check(data.path(), None).is_ok());
        assert!(check(data.path(), Some(&here)).is_ok());
        fs::create_dir(data.path().join("blobs")).unwrap();
        assert!(check(data.path(), Some(&here)).is_ok(), "no blob was written yet");
        fs::write(data.path().join("blobs/00"), "").unwrap();
        assert!(check(data.path(), None).is_ok());
        assert!(check(data.path(), Some(&here)).is_err());

        let note = Some(data.path().join(NOTE));
        let blobs = Arc::new(MemoryBlobs::new());
        let opened = Opened { blobs, place: here.place(), note };
        assert!(opened.note().unwrap() && !opened.note().unwrap());
        opened.forget().unwrap();
        assert!(opened.note().unwrap());
        assert!(
            check(data.path(), Some(&at("s3://bucket/prefix/?endpoint=https://moved"))).is_ok()
        );
        for elsewhere in [None, Some(at("s3://bucket/other")), Some(at("gs://bucket/prefix"))] {
            assert!(check(data.path(), elsewhere.as_ref()).is_err(), "{elsewhere:?}");
        }
    }
}
