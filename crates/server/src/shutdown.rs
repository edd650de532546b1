//! Signals: SIGTERM and SIGINT end the server in good order, SIGHUP reads the certificate again.
//!
//! Guarantees: signals that arrive before the server is ready are not lost, and a second SIGTERM or
//! SIGINT ends a drain at once. Does not: drain; `serve` does.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{failure::Failure, tls::Tls};

/// The signals that this server answers to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen; from here on the signals have no other effect.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::failed("cannot listen to signals").detail(error))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Ends when the server is told to stop; reloads the certificate meanwhile.
    pub(crate) async fn stop(&mut self, tls: &Tls) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => match tls.reload() {
                    Ok(()) => tracing::info!("read the certificate again"),
                    Err(failure) => tracing::error!(%failure, "the certificate stays as it was"),
                },
            }
        }
    }
}
