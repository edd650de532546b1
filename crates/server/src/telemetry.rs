//! Log lines: human on a terminal, one JSON object a line otherwise; always on stderr.
//!
//! Guarantees: a request's line has its method, redacted target, status, duration, peer and request id,
//! and no header's value. 5xx answers are warnings, others informative and off by default. A library that
//! would print a target stays silent whatever is asked for ([`SILENT`]).
//! Does not: count or trace.

use std::{io::IsTerminal as _, time::Duration};

use http::{HeaderMap, Method, StatusCode, Uri};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    cli::LogFormat, config::LogConfig, failure::Failure, handler::Connection, redaction::Redacted,
};

/// Begins to log. At most once in a process.
pub(crate) fn init(config: &LogConfig) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| {
        Failure::wrong_usage(format!("--log {:?} is not a filter", config.filter))
            .detail(error)
            .hint("for example: --log info, or --log warn,strongroom::request=info")
    })?;
    let filter = filter.add_directive(SILENT.parse().expect("the directive is well formed"));
    let terminal = std::io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Auto => !terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let registry = tracing_subscriber::registry().with(filter);
    let begun = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_target(false)).try_init()
    };
    begun.map_err(|error| Failure::failed("cannot begin to log").detail(error))
}

/// HTTP/2's library prints a target that it cannot parse, with its query, in which there may be a key.
const SILENT: &str = "h2=off";

/// What is known of a request when it arrives and is wanted in its line.
#[derive(Debug)]
pub(crate) struct Arrived {
    method: Method,
    uri: Uri,
    connection: Connection,
}

impl Arrived {
    /// Of a request's head.
    pub(crate) fn new(method: &Method, uri: &Uri, connection: Connection) -> Self {
        Self { method: method.clone(), uri: uri.clone(), connection }
    }

    /// Writes the line, once the answer's head is known.
    pub(crate) fn log(&self, status: StatusCode, headers: &HeaderMap, took: Duration) {
        let id = headers.get("x-amz-request-id").and_then(|id| id.to_str().ok()).unwrap_or("-");
        // The level is part of a callsite, so there are two.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "strongroom::request",
                    method = %self.method,
                    uri = %Redacted(&self.uri),
                    status = status.as_u16(),
                    took_us = took.as_micros() as u64,
                    peer = %self.connection.peer,
                    secure = self.connection.secure,
                    request_id = id,
                    "request"
                )
            };
        }
        if status.is_server_error() {
            line!(warn);
        } else {
            line!(info);
        }
    }
}
