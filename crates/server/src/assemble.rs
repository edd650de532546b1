//! The one place that knows every crate.
//!
//! Guarantees: nothing else in this crate names the engine, the store or the S3 service.
//! Does not yet: join them; requests are answered 503 and users live in memory.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use zeroize::Zeroizing;

use crate::{
    activity::RequestBody,
    config::Config,
    credentials::Credentials,
    data_dir::DataDir,
    failure::Failure,
    handler::{Connection, Handler},
    users::{Accounts, AddUser, User},
};

/// How the store is opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreOptions {
    /// Objects up to this many bytes are kept in the catalog.
    pub(crate) inline_bytes_max: usize,
}

/// An opened store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(Arc<Mutex<Vec<User>>>);

/// Opens the store of a data directory.
pub(crate) async fn open_store(
    data: &DataDir,
    _master_key: Zeroizing<[u8; 32]>,
    _options: &StoreOptions,
) -> Result<Store, Failure> {
    data.catalog()?;
    data.blobs()?;
    Ok(Store::default())
}

impl Store {
    /// Its users.
    pub(crate) fn accounts(&self) -> Self {
        self.clone()
    }

    /// Works in the background until dropped.
    pub(crate) async fn keep_house(self) {
        std::future::pending::<()>().await;
    }

    /// Gives everything back.
    pub(crate) async fn close(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The S3 service over a store.
pub(crate) fn service(_config: &Config, _store: &Store, _root: &Credentials) -> Service {
    Service
}

/// Answers S3 requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service;

impl Handler for Service {
    type Body = Full<Bytes>;

    async fn handle(&self, _: Request<RequestBody>, _: Connection) -> Response<Self::Body> {
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }
}

impl Accounts for Store {
    async fn add(&self, user: User, _: Credentials) -> Result<AddUser, String> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if users.iter().any(|other| other.name == user.name) {
            return Ok(AddUser::NameTaken);
        }
        users.push(user);
        Ok(AddUser::Added)
    }

    async fn list(&self) -> Result<Vec<User>, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn remove(&self, name: &str) -> Result<bool, String> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = users.len();
        users.retain(|user| user.name != name);
        Ok(users.len() < before)
    }
}
