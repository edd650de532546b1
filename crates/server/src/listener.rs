//! Accepts connections, within a ceiling, and opens TLS on them.
//!
//! Guarantees: never more than the ceiling of connections open over all listeners, those in a handshake
//! included; a handshake ends in time; running out of file descriptors pauses and does not end the loop.
//! Does not: know HTTP; `connection` does.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use memory::WipeStack;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    connection::{self, Context, Stream},
    failure::Failure,
    handler::Handler,
    linger::{Lingering, Unread},
    socket::Socket,
};

/// A bound address, with TLS or without.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds `address`. `flag` is the setting that named it, for the refusal.
    pub(crate) async fn bind(
        address: SocketAddr,
        flag: &str,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, Failure> {
        let socket = TcpListener::bind(address).await.map_err(|error| {
            let in_use = error.kind() == io::ErrorKind::AddrInUse;
            let why = if in_use { "another program listens there; " } else { "" };
            Failure::failed(format!("cannot listen on {address}"))
                .detail(error)
                .hint(format!("{why}choose another address or port with {flag}"))
        })?;
        Ok(Self { socket, tls: tls.map(TlsAcceptor::from) })
    }

    /// The address, with the port that was taken where 0 was asked for.
    pub(crate) fn address(&self) -> Result<SocketAddr, Failure> {
        let unknown = |error| Failure::failed("cannot read the listening address").detail(error);
        self.socket.local_addr().map_err(unknown)
    }

    /// Serves until `drain` turns true, and then until the last connection has ended.
    pub(crate) async fn serve<H: Handler>(
        self,
        context: Arc<Context<H>>,
        places: Arc<Semaphore>,
        mut drain: watch::Receiver<bool>,
    ) {
        let mut connections = JoinSet::new();
        let until = drain.clone();
        loop {
            tokio::select! {
                accepted = accept(&self.socket, &places) => {
                    let (tcp, peer, place) = accepted;
                    let (context, tls, drain) = (context.clone(), self.tls.clone(), until.clone());
                    // Keys pass through the frames of TLS, HTTP and the handler alike, so the
                    // stack is wiped after every turn of the connection as a whole, once it has
                    // met a key.
                    let met_secret = Arc::default();
                    let met = Arc::clone(&met_secret);
                    let accepted = Accepted { tcp, peer, met_secret: met, unread: Arc::default() };
                    connections.spawn(WipeStack::when(met_secret, async move {
                        open_and_serve(context, accepted, tls, drain).await;
                        drop(place);
                    }));
                }
                Some(_) = connections.join_next() => {}
                _ = drain.wait_for(|drain| *drain) => break,
            }
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match socket.accept().await {
            Ok((tcp, peer)) => return (tcp, peer, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that nothing was read from.
struct Accepted {
    tcp: TcpStream,
    peer: SocketAddr,
    met_secret: Arc<AtomicBool>,
    unread: Unread,
}

async fn open_and_serve<H: Handler>(
    context: Arc<Context<H>>,
    accepted: Accepted,
    tls: Option<TlsAcceptor>,
    drain: watch::Receiver<bool>,
) {
    let Accepted { tcp, peer, met_secret, unread } = accepted;
    // Small answers must not wait for the acknowledgement of earlier ones.
    if tcp.set_nodelay(true).is_err() {
        return; // gone already
    }
    let tcp = Lingering::new(tcp, Arc::clone(&unread));
    let Some(acceptor) = tls else {
        let io = TokioIo::new(tcp);
        let stream = Stream { io, peer, tls: false, http2: false, met_secret, unread };
        return connection::serve(context, stream, drain).await;
    };
    // The connection's keys passed through the handshake's frames, and no customer's key did yet,
    // so nobody else wipes them.
    match timeout(HANDSHAKE_TIMEOUT, WipeStack::new(handshake(acceptor, tcp))).await {
        Ok(Ok(tls)) => {
            let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            let io = TokioIo::new(tls);
            let stream = Stream { io, peer, tls: true, http2, met_secret, unread };
            connection::serve(context, stream, drain).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    tcp: Lingering<TcpStream>,
) -> io::Result<TlsStream<Socket>> {
    let limited = |tls: &mut rustls::ServerConnection| {
        tls.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
    };
    acceptor.accept_with(Socket(tcp), limited).await
}

/// Two round trips and a signature; whoever needs longer holds a place for nothing.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Out of file descriptors is over when some connection closes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Encrypted bytes waiting for the socket: 64 KiB cost a tenth of the throughput when measured, and
/// more than this left the processor's cache.
const TLS_BUFFER_BYTES_MAX: usize = 128 * 1024;
