//! The named keys of the ring.

use bytes::Bytes;
use object_engine::engine::ObjectEngine;

use crate::world::World;

async fn add(engine: &ObjectEngine, name: &str, uid: u8) -> bool {
    engine.add_named_key(name, [uid; 16], Bytes::from_static(b"sealed")).await.unwrap()
}

#[tokio::test]
async fn a_name_is_given_once() {
    let engine = World::new().open().await;
    assert!(add(&engine, "b", 1).await);
    assert!(add(&engine, "a", 2).await);
    assert!(!add(&engine, "b", 3).await);
    let key = engine.named_key("b").await.unwrap().unwrap();
    assert_eq!((key.name.as_str(), key.uid, key.enabled), ("b", [1; 16], true));
    assert_eq!(&key.sealed[..], b"sealed");
    let names: Vec<_> =
        engine.named_keys().await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(engine.named_key("c").await.unwrap(), None);
    assert_eq!(engine.named_key("\0").await.unwrap(), None);
}

#[tokio::test]
async fn a_key_is_disabled_enabled_and_removed() {
    let engine = World::new().open().await;
    assert!(add(&engine, "a", 1).await);
    for enabled in [false, true] {
        assert!(engine.set_named_key_enabled("a", enabled).await.unwrap());
        assert_eq!(engine.named_key("a").await.unwrap().unwrap().enabled, enabled);
    }
    assert!(engine.remove_named_key("a").await.unwrap());
    assert!(!engine.remove_named_key("a").await.unwrap());
    assert!(!engine.set_named_key_enabled("a", true).await.unwrap());
    assert!(add(&engine, "a", 2).await);
}
