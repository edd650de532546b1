//! The very suite that the other catalogs pass.

use std::sync::Arc;

use object_engine::catalog::{Catalog, contract};

use crate::{
    cluster::{self, catalog},
    pooler::Pooler,
};

async fn holds(parameters: &'static str) {
    let Some(cluster) = cluster::shared() else { return };
    let runtime = tokio::runtime::Handle::current();
    contract::holds(|| {
        let address = format!("{}{parameters}", cluster.fresh());
        let opened = tokio::task::block_in_place(|| runtime.block_on(catalog(&address)));
        Arc::new(opened) as Arc<dyn Catalog>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds() {
    holds("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_without_prepared_statements() {
    holds("&prepared_statements=off").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_over_one_connection() {
    holds("&pool_size=1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_behind_a_pooler_that_shares_connections() {
    let Some(cluster) = cluster::shared() else { return };
    let Some(pooler) = Pooler::start(cluster) else { return };
    let runtime = tokio::runtime::Handle::current();
    contract::holds(|| {
        let address = format!("{}&prepared_statements=off", cluster.fresh());
        let address = pooler.in_front_of(&address, cluster);
        let opened = tokio::task::block_in_place(|| runtime.block_on(catalog(&address)));
        Arc::new(opened) as Arc<dyn Catalog>
    })
    .await;
}
