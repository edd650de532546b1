//! `strongroom serve`: from a configuration to a running server, and to its end.
//!
//! Guarantees: the lock is had before anything is made; nothing is announced before it works; on
//! SIGTERM or SIGINT no connection is accepted any more, requests under way may end within the drain
//! time, and the store is closed. Told to stop before it serves, it ends at once, whatever it waits for.
//! Does not: know what serves the requests.

use std::{sync::Arc, time::Duration};

use sealed_format::AesGcm;
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{
    admin::AdminSocket,
    assemble::{self, Store, StoreOptions},
    certificates::{self, ServedCertificate},
    cli::ServeArgs,
    config::Config,
    connection::Context,
    credentials::RootCredentials,
    data_dir::DataDir,
    failure::Failure,
    handler::Handler,
    listener::Listener,
    memory_guard,
    ready::Ready,
    shutdown::Signals,
    telemetry,
    tls::Tls,
};

/// What the log says of every stop that was asked for.
const STOPPING: &str = "stopping: waiting for requests under way";

/// Serves until told to stop.
pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    let config = Config::load(args)?;
    telemetry::init(&config.log)?;
    memory_guard::forbid_core_dumps()?;
    memory_guard::make_files_private();
    memory_guard::refuse_huge_pages();
    let data = DataDir::open_alone(&config.data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime").detail(error))?;
    runtime.block_on(serve(&config, &data))
}

async fn serve(config: &Config, data: &DataDir) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let root = RootCredentials::load(data)?;
    let master_key = data.master_key(config.master_key_file.as_deref())?;
    let certificate = certificates::provide(config, data)?;
    let gcm = AesGcm::of_this_processor();
    tracing::debug!(?gcm, "AES-GCM of bodies and TLS");
    let tls = Tls::new(certificate.files.clone(), gcm)?;
    let listeners = bind(config, &tls).await?;
    let options = StoreOptions {
        blobs: config.blobs.clone(),
        metadata: config.metadata.clone(),
        inline_bytes_max: config.inline_bytes_max,
        removal_grace: config.removal_grace,
    };
    // Either may wait for somebody else: a catalog, an object store, another server's sign of life. A store that is
    // broken off while it opens is left as a crash would leave it; nothing was served from it.
    let opening = assemble::open_store(data, master_key, &options);
    let Some(store) = unless_stopped(opening, (&mut signals, &tls)).await? else { return Ok(()) };
    let agreeing = store.agree(config, &root.credentials);
    if unless_stopped(agreeing, (&mut signals, &tls)).await?.is_none() {
        return close(&store, (&mut signals, &tls)).await;
    }
    let handler = assemble::service(config, &store, &root.credentials);
    let admin = AdminSocket::bind(data)?;

    let mut background = JoinSet::new();
    let accounts = store.accounts(Some(root.credentials.access_key.clone()));
    background.spawn(admin.serve(accounts, store.keys()));
    background.spawn(store.clone().keep_house());
    background.spawn(store.clone().keep_session());
    let (end_lifecycle, ending) = watch::channel(false);
    let lifecycle = store.clone().apply_lifecycle(config.lifecycle_debug_interval, ending);
    let lifecycle = tokio::spawn(lifecycle);
    announce(config, &root, &certificate, &listeners)?;
    accept_until_stopped(config, listeners, Context::new(config, handler), (&mut signals, &tls))
        .await;
    end_lifecycle.send_replace(true);
    drain(lifecycle, config.drain_timeout).await;
    background.shutdown().await;
    close(&store, (&mut signals, &tls)).await
}

/// Closes the store in good order, unless the server is told again to stop: its catalog may be out of reach.
async fn close(store: &Store, (signals, tls): (&mut Signals, &Tls)) -> Result<(), Failure> {
    tokio::select! {
        closed = store.close() => closed,
        () = signals.stop(tls) => {
            tracing::warn!("told again to stop: leaving the store as a crash would");
            Ok(())
        }
    }
}

/// What `starting` comes to; `None`: the server was told to stop first.
async fn unless_stopped<T>(
    starting: impl Future<Output = Result<T, Failure>>,
    (signals, tls): (&mut Signals, &Tls),
) -> Result<Option<T>, Failure> {
    tokio::select! {
        biased;
        () = signals.stop(tls) => {
            tracing::info!(STOPPING);
            Ok(None)
        }
        started = starting => started.map(Some),
    }
}

/// Waits until the page under way is done; a store that hangs is left as a crash would leave it.
async fn drain(mut lifecycle: JoinHandle<()>, within: Duration) {
    if timeout(within, &mut lifecycle).await.is_err() {
        tracing::warn!("breaking off lifecycle deletions that did not end in time");
        lifecycle.abort();
    }
}

async fn bind(config: &Config, tls: &Tls) -> Result<Vec<Listener>, Failure> {
    let mut listeners = vec![Listener::bind(config.listen, "--listen", Some(tls.config())).await?];
    if let Some(address) = config.http_listen {
        listeners.push(Listener::bind(address, "--http-listen", None).await?);
    }
    Ok(listeners)
}

fn announce(
    config: &Config,
    root: &RootCredentials,
    certificate: &ServedCertificate,
    listeners: &[Listener],
) -> Result<(), Failure> {
    for listener in listeners {
        tracing::info!(address = %listener.address()?, "listening");
    }
    let ready = Ready {
        address: listeners[0].address()?,
        data_dir: &config.data_dir,
        region: &config.region,
        credentials: root.file.as_deref(),
        ca: certificate.ca.as_deref(),
    };
    ready.announce();
    Ok(())
}

/// Accepts until a signal says stop, then waits for what is under way, but not for ever.
async fn accept_until_stopped<H: Handler>(
    config: &Config,
    listeners: Vec<Listener>,
    context: Arc<Context<H>>,
    (signals, tls): (&mut Signals, &Tls),
) {
    let (drain, draining) = watch::channel(false);
    let places = Arc::new(Semaphore::new(config.limits.connections_max));
    let mut serving = JoinSet::new();
    for listener in listeners {
        serving.spawn(listener.serve(context.clone(), places.clone(), draining.clone()));
    }
    signals.stop(tls).await;
    tracing::info!(STOPPING);
    drain.send_replace(true);
    tokio::select! {
        ended = timeout(config.drain_timeout, async { while serving.join_next().await.is_some() {} }) => {
            if ended.is_err() {
                tracing::warn!("breaking off requests that did not end in time");
            }
        }
        () = signals.stop(tls) => tracing::warn!("told twice to stop: breaking off requests"),
    }
    serving.shutdown().await;
}
