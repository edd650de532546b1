//! Engines that share a catalog, and are set up alike or not.

use std::{sync::Arc, time::Duration};

use object_engine::{
    engine::{Agreement, Difference, Differing, ObjectEngine, Setting, SettingValue},
    error::EngineError,
};

use crate::{decorators::*, fronts::*, world::*};

fn setup(region: &str, secret: u8) -> Vec<Setting> {
    let shown = |name: &str, value: &str| Setting {
        name: name.to_owned(),
        value: SettingValue::Shown(value.to_owned()),
    };
    let secret = Setting { name: "secret".into(), value: SettingValue::Hidden([secret; 32]) };
    vec![shown("region", region), shown("profile", "aws"), secret]
}

fn difference(here: &str, there: &str) -> Difference {
    Difference { name: "region".into(), values: Some((here.into(), there.into())) }
}

/// An engine that has said how it is set up, and not yet what came of it.
async fn open_as(world: &World, region: &str, differing: Differing) -> ObjectEngine {
    let engine = world.open().await;
    engine.set_up(setup(region, 1), differing);
    engine
}

async fn agreed(world: &World, region: &str) -> ObjectEngine {
    let engine = open_as(world, region, Differing::Refused).await;
    assert_eq!(engine.agree().await, Ok(Agreement::Agreed));
    engine
}

#[tokio::test]
async fn engines_that_are_set_up_alike_agree_at_once() {
    let world = shared();
    let (one, two) = (agreed(&world, "a").await, agreed(&world, "a").await);
    let bucket = bucket(&one, "bucket").await;
    put(&world, &two, (&bucket, "k"), &large(1)).await;
    // What another version does not say is not compared.
    let other = world.open().await;
    let mut more = setup("a", 1);
    more.remove(1);
    more.push(Setting { name: "new".into(), value: SettingValue::Shown("x".into()) });
    other.set_up(more, Differing::Refused);
    assert_eq!(other.agree().await, Ok(Agreement::Agreed));
}

#[tokio::test]
async fn one_that_differs_from_a_live_one_is_told_in_what_and_does_nothing() {
    let world = shared();
    let first = agreed(&world, "a").await;
    let bucket = bucket(&first, "bucket").await;
    let late = open_as(&world, "b", Differing::Refused).await;
    assert_eq!(late.agree().await, Ok(Agreement::Undecided), "the first may be dead");
    assert!(matches!(
        try_put(&world, &late, (&bucket, "k"), b"x").await,
        Err(EngineError::Unavailable(_))
    ));
    seconds(&world, 1, &[&first]).await;
    assert_eq!(late.agree().await, Ok(Agreement::Differs(vec![difference("b", "a")])));
    assert!(try_put(&world, &late, (&bucket, "k"), b"x").await.is_err());
    late.close().await.unwrap();
    put(&world, &first, (&bucket, "k"), b"x").await;
    // And the next one is compared with the first alone.
    agreed(&world, "a").await;
}

#[tokio::test]
async fn of_a_secret_no_more_is_told_than_that_it_differs() {
    let world = shared();
    let first = agreed(&world, "a").await;
    let late = world.open().await;
    late.set_up(setup("a", 2), Differing::Refused);
    assert_eq!(late.agree().await, Ok(Agreement::Undecided));
    seconds(&world, 1, &[&first]).await;
    let told = Difference { name: "secret".into(), values: None };
    assert_eq!(told.to_string(), "secret is not the same here and there");
    assert_eq!(late.agree().await, Ok(Agreement::Differs(vec![told])));
}

#[tokio::test]
async fn one_that_differed_and_died_is_outlived() {
    let world = shared();
    drop(agreed(&world, "a").await);
    let next = open_as(&world, "b", Differing::Refused).await;
    let mut waited = 0;
    while next.agree().await.unwrap() != Agreement::Agreed {
        world.clock.pass(Duration::from_secs(1));
        waited += 1;
        assert!(waited < 15, "it waits for ever");
    }
    assert!(waited >= 10, "it did not wait for a whole expiry: {waited}");
    bucket(&next, "bucket").await;
}

#[tokio::test]
async fn settings_are_changed_on_one_after_the_other_by_who_tolerates_it() {
    let world = shared();
    let (one, two) = (agreed(&world, "a").await, agreed(&world, "a").await);
    one.close().await.unwrap();
    let one = open_as(&world, "b", Differing::Tolerated).await;
    assert_eq!(one.agree().await, Ok(Agreement::Agreed));
    let bucket = bucket(&one, "bucket").await;
    put(&world, &two, (&bucket, "k"), b"of the one not yet changed").await;
    two.close().await.unwrap();
    let two = open_as(&world, "b", Differing::Tolerated).await;
    assert_eq!(two.agree().await, Ok(Agreement::Agreed));
    // From here on as ever.
    let late = open_as(&world, "a", Differing::Refused).await;
    assert_eq!(late.agree().await, Ok(Agreement::Undecided));
    seconds(&world, 1, &[&one, &two]).await;
    assert_eq!(late.agree().await, Ok(Agreement::Differs(vec![difference("a", "b")])));
    agreed(&world, "b").await;
}

#[tokio::test]
async fn one_that_was_given_up_agrees_anew_before_it_goes_on() {
    let world = shared();
    let (paused, living) = (agreed(&world, "a").await, agreed(&world, "a").await);
    let bucket = bucket(&living, "bucket").await;
    outlive(&world, &[&living]).await;
    living.close().await.unwrap();
    let changed = agreed(&world, "b").await;
    paused.keep_session().await.unwrap();
    let refused = try_put(&world, &paused, (&bucket, "k"), b"x").await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "{refused:?}");
    seconds(&world, 3, &[&changed, &paused]).await;
    assert!(try_put(&world, &paused, (&bucket, "k"), b"x").await.is_err());
    put(&world, &changed, (&bucket, "k"), b"y").await;
    changed.close().await.unwrap();
    seconds(&world, 1, &[&paused]).await;
    put(&world, &paused, (&bucket, "k"), b"z").await;
}

#[tokio::test]
async fn of_two_that_differ_and_come_at_once_one_is_at_work() {
    let world = shared();
    let pausing = PausingCatalog::new(Arc::clone(&world.catalog));
    let slow = World { catalog: pausing.clone(), ..world.clone() };
    let first = open_as(&slow, "a", Differing::Refused).await;
    let mut pause = pausing.pause(|commit| writes(commit, b"j/"));
    let agreeing = tokio::spawn({
        let first = first.clone();
        async move { first.agree().await }
    });
    pause.reached().await;
    let second = agreed(&world, "b").await;
    pause.resume();
    assert_eq!(agreeing.await.unwrap(), Ok(Agreement::Undecided), "it looked again");
    seconds(&world, 1, &[&second]).await;
    assert_eq!(first.agree().await, Ok(Agreement::Differs(vec![difference("a", "b")])));
}

#[tokio::test]
async fn an_engine_that_is_alone_agrees_with_itself() {
    let world = World::new();
    let engine = open_as(&world, "a", Differing::Refused).await;
    assert_eq!(engine.agree().await, Ok(Agreement::Agreed));
    bucket(&engine, "bucket").await;
}
