//! Accounts and access keys.

use bytes::Bytes;
use object_engine::model::*;

use crate::world::World;

fn account(name: &str, id: &str) -> Account {
    Account {
        id: AccountId(id.into()),
        name: name.into(),
        display_name: name.to_uppercase(),
        email: None,
        policy: Some("{}".into()),
    }
}

fn access_key(id: &str) -> AccessKey {
    let sealed_secret = Bytes::from_static(b"sealed");
    AccessKey { id: id.into(), account: String::new(), sealed_secret, enabled: true }
}

#[tokio::test]
async fn accounts_are_found_by_name_id_and_key() {
    let engine = World::new().open().await;
    let (ada, bob) = (account("ada", "1"), account("bob", "2"));
    engine.put_account(&bob, None).await.unwrap();
    engine.put_account(&ada, Some(&access_key("AKA"))).await.unwrap();
    engine.put_account(&ada, Some(&access_key("AKB"))).await.unwrap();
    assert_eq!(engine.account("ada").await.unwrap(), Some(ada.clone()));
    assert_eq!(engine.account_by_id(&bob.id).await.unwrap(), Some(bob.clone()));
    assert_eq!(engine.accounts().await.unwrap(), [ada.clone(), bob]);
    let (key, owner) = engine.access_key("AKB").await.unwrap().unwrap();
    assert_eq!((key.account.as_str(), owner), ("ada", ada));
}

#[tokio::test]
async fn a_removed_account_takes_its_keys_along() {
    let engine = World::new().open().await;
    let ada = account("ada", "1");
    engine.put_account(&ada, Some(&access_key("AKA"))).await.unwrap();
    engine.put_account(&account("ad", "3"), Some(&access_key("AKD"))).await.unwrap();
    assert!(engine.remove_account("ada").await.unwrap());
    assert!(!engine.remove_account("ada").await.unwrap());
    assert_eq!(engine.access_key("AKA").await.unwrap(), None);
    assert_eq!(engine.account_by_id(&ada.id).await.unwrap(), None);
    assert!(engine.access_key("AKD").await.unwrap().is_some());
    engine.put_account(&ada, None).await.unwrap();
    assert_eq!(engine.access_key("AKA").await.unwrap(), None, "keys do not come back");
}

#[tokio::test]
async fn ids_lead_to_one_account_only() {
    let engine = World::new().open().await;
    engine.put_account(&account("ada", "1"), Some(&access_key("AKA"))).await.unwrap();
    assert!(engine.put_account(&account("bob", "1"), None).await.is_err());
    assert!(engine.put_account(&account("bob", "2"), Some(&access_key("AKA"))).await.is_err());
    assert_eq!(engine.account("bob").await.unwrap(), None);
    engine.put_account(&account("ada", "9"), None).await.unwrap();
    assert_eq!(engine.account_by_id(&AccountId("1".into())).await.unwrap(), None);
    assert!(engine.put_account(&account("bob", "1"), None).await.is_ok());
}

#[tokio::test]
async fn what_a_request_claims_need_not_be_a_key() {
    let engine = World::new().open().await;
    for id in ["", "a\0b", &"x".repeat(5_000)] {
        assert_eq!(engine.access_key(id).await.unwrap(), None);
        assert_eq!(engine.account(id).await.unwrap(), None);
        assert!(engine.put_account(&account(id, "1"), None).await.is_err());
    }
}

fn access_key_of(account: &str, id: &str) -> AccessKey {
    AccessKey { account: account.into(), ..access_key(id) }
}

#[tokio::test]
async fn an_account_has_several_keys_each_disabled_and_removed_alone() {
    let engine = World::new().open().await;
    engine.put_account(&account("ada", "1"), Some(&access_key("AKA"))).await.unwrap();
    engine.put_account(&account("ad", "2"), Some(&access_key("AKZ"))).await.unwrap();
    let added = engine.add_access_key(&access_key_of("ada", "AKB")).await.unwrap();
    assert_eq!(added, AddAccessKey::Added);
    assert!(engine.enable_access_key("AKA", false).await.unwrap());
    let keys = engine.access_keys("ada").await.unwrap();
    let told: Vec<_> = keys.iter().map(|key| (key.id.as_str(), key.enabled)).collect();
    assert_eq!(told, [("AKA", false), ("AKB", true)]);
    assert!(engine.enable_access_key("AKA", true).await.unwrap());
    assert!(engine.access_key("AKA").await.unwrap().unwrap().0.enabled);
    for id in ["AKA", "AKB"] {
        assert!(engine.remove_access_key(id).await.unwrap());
        assert!(!engine.remove_access_key(id).await.unwrap());
        assert!(!engine.enable_access_key(id, true).await.unwrap(), "it does not come back");
        assert_eq!(engine.access_key(id).await.unwrap(), None);
    }
    assert_eq!(engine.access_keys("ada").await.unwrap(), []);
    assert!(engine.account("ada").await.unwrap().is_some(), "an account outlives its last key");
    assert!(engine.access_key("AKZ").await.unwrap().is_some());
}

#[tokio::test]
async fn a_key_is_added_to_an_account_that_stands_and_replaces_none() {
    let engine = World::new().open().await;
    engine.put_account(&account("ada", "1"), Some(&access_key("AKA"))).await.unwrap();
    engine.put_account(&account("bob", "2"), None).await.unwrap();
    let add = async |account, id| engine.add_access_key(&access_key_of(account, id)).await;
    assert_eq!(add("ada", "AKA").await.unwrap(), AddAccessKey::IdTaken);
    assert_eq!(add("bob", "AKA").await.unwrap(), AddAccessKey::IdTaken);
    assert_eq!(add("eve", "AKE").await.unwrap(), AddAccessKey::NoSuchAccount);
    assert_eq!(add("e\0", "AKE").await.unwrap(), AddAccessKey::NoSuchAccount);
    assert!(add("ada", "").await.is_err());
    assert_eq!(add("bob", "AKB").await.unwrap(), AddAccessKey::Added);
    assert!(engine.remove_account("bob").await.unwrap());
    assert_eq!(engine.access_key("AKB").await.unwrap(), None, "it goes with its account");
    engine.put_account(&account("bob", "2"), None).await.unwrap();
    assert_eq!(engine.access_keys("bob").await.unwrap(), []);
}
