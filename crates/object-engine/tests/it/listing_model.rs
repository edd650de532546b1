//! Listings against a naive model: sort, cut, group.
//!
//! Keys are short strings of an alphabet that has what sorts strangely: control characters, the ends
//! of UTF-8's ranges, and characters that one delimiter shares with another.

use std::collections::BTreeSet;

use object_engine::{engine::ObjectEngine, model::*};
use proptest::prelude::*;

use crate::world::*;

/// Where a name came from in a listing: a key, or keys rolled up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Key(String),
    Prefix(String),
}

#[derive(Clone, Debug)]
struct Asked {
    prefix: String,
    delimiter: String,
    after: String,
    limit: usize,
}

const ALPHABET: &[char] =
    &['a', 'b', '/', '\u{1}', '\n', '\u{7f}', 'é', '\u{d7ff}', '\u{e000}', '\u{10ffff}'];

fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let characters = proptest::collection::vec(proptest::sample::select(ALPHABET), length);
    characters.prop_map(|characters| characters.into_iter().collect())
}

fn asked() -> impl Strategy<Value = Asked> {
    (text(0..3), text(0..3), text(0..4), 1..5_usize)
        .prop_map(|(prefix, delimiter, after, limit)| Asked { prefix, delimiter, after, limit })
}

/// What S3 would show: keys in order of their bytes, the rolled up once, all after the marker.
fn naive(keys: &BTreeSet<String>, asked: &Asked) -> Vec<Name> {
    let name = |key: &str| {
        let rest = key.strip_prefix(&asked.prefix)?;
        let found = rest.find(&asked.delimiter).filter(|_| !asked.delimiter.is_empty());
        Some(match found {
            None => Name::Key(key.to_owned()),
            Some(at) => {
                let length = asked.prefix.len() + at + asked.delimiter.len();
                Name::Prefix(key[..length].to_owned())
            }
        })
    };
    let marker = match name(&asked.after) {
        Some(Name::Prefix(prefix)) => prefix,
        _ => asked.after.clone(),
    };
    let mut names: Vec<_> = keys.iter().filter_map(|key| name(key)).collect();
    names.dedup();
    names.retain(|name| match name {
        Name::Key(text) | Name::Prefix(text) => asked.after.is_empty() || *text > marker,
    });
    names
}

async fn objects(engine: &ObjectEngine, bucket: &Bucket, asked: &Asked) -> Vec<Name> {
    let mut ask = ListObjects {
        prefix: asked.prefix.clone(),
        delimiter: Some(asked.delimiter.clone()),
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        limit: asked.limit,
    };
    let mut names = Vec::new();
    loop {
        let page = engine.list_objects(bucket, &ask).await.unwrap();
        assert!(page.entries.len() <= asked.limit);
        assert!(page.next_after.is_none() || page.entries.len() == asked.limit, "a short page");
        names.extend(page.entries.into_iter().map(|entry| match entry {
            Listed::Object(object) => Name::Key(object.key),
            Listed::CommonPrefix(prefix) => Name::Prefix(prefix),
        }));
        ask.after = page.next_after;
        if ask.after.is_none() {
            return names;
        }
    }
}

/// Names, each key as often as it has versions, with their sequences.
async fn versions(engine: &ObjectEngine, bucket: &Bucket, asked: &Asked) -> Vec<(Name, u64)> {
    let mut ask = ListVersions {
        prefix: asked.prefix.clone(),
        delimiter: Some(asked.delimiter.clone()),
        key_marker: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        version_marker: None,
        limit: asked.limit,
    };
    let mut names = Vec::new();
    loop {
        let page = engine.list_versions(bucket, &ask).await.unwrap();
        assert!(page.entries.len() <= asked.limit);
        names.extend(page.entries.into_iter().map(|entry| match entry {
            ListedVersion::Version { object, public, is_latest, .. } => {
                let sequence = public.unwrap().sequence;
                assert_eq!(is_latest, sequence == 2, "every key has two versions");
                (Name::Key(object.key), sequence)
            }
            ListedVersion::CommonPrefix(prefix) => (Name::Prefix(prefix), 0),
        }));
        let Some((key, version)) = page.next else { return names };
        (ask.key_marker, ask.version_marker) = (Some(key), version);
    }
}

/// Names in order, each key as often as it has uploads.
async fn uploads(engine: &ObjectEngine, bucket: &Bucket, asked: &Asked) -> Vec<Name> {
    let mut ask = ListUploads {
        prefix: asked.prefix.clone(),
        delimiter: Some(asked.delimiter.clone()),
        key_marker: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        upload_id_marker: None,
        limit: asked.limit,
    };
    let mut names = Vec::new();
    loop {
        let page = engine.list_uploads(bucket, &ask).await.unwrap();
        assert!(page.uploads.len() + page.common_prefixes.len() <= asked.limit);
        let mut shown: Vec<_> =
            page.uploads.iter().map(|upload| Name::Key(upload.key.as_str().to_owned())).collect();
        shown.extend(page.common_prefixes.into_iter().map(Name::Prefix));
        shown.sort_by(|one, other| text_of(one).cmp(text_of(other)));
        names.extend(shown);
        let Some((key, upload)) = page.next else { return names };
        (ask.key_marker, ask.upload_id_marker) = (Some(key), upload);
    }
}

fn text_of(name: &Name) -> &str {
    match name {
        Name::Key(text) | Name::Prefix(text) => text,
    }
}

/// Each key `times` times, each prefix once.
fn repeated(names: &[Name], times: usize) -> Vec<Name> {
    let many = |name: &Name| match name {
        Name::Key(_) => vec![name.clone(); times],
        Name::Prefix(_) => vec![name.clone()],
    };
    names.iter().flat_map(many).collect()
}

async fn agrees(names: &BTreeSet<String>, asks: &[Asked]) {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    for name in names {
        for content in [b"1", b"2"] {
            put(&world, &engine, (&bucket, name.as_str()), content).await;
            upload(&world, &engine, (&bucket, name.as_str())).await;
        }
    }
    for asked in asks {
        let expected = naive(names, asked);
        assert_eq!(objects(&engine, &bucket, asked).await, expected, "{asked:?}");
        assert_eq!(uploads(&engine, &bucket, asked).await, repeated(&expected, 2), "{asked:?}");
        let (shown, sequences): (Vec<_>, Vec<_>) =
            versions(&engine, &bucket, asked).await.into_iter().unzip();
        assert_eq!(shown, repeated(&expected, 2), "{asked:?}");
        let of_keys: Vec<_> = sequences.into_iter().filter(|sequence| *sequence > 0).collect();
        assert!(of_keys.chunks(2).all(|pair| pair == [2, 1]), "newest first: {of_keys:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// All three listings, page by page, show what the model shows.
    #[test]
    fn pages_add_up_to_what_a_naive_model_shows(
        names in proptest::collection::btree_set(text(1..6), 0..24),
        asks in proptest::collection::vec(asked(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agrees(&names, &asks));
    }
}
