//! What ends a command other than success, as the operator reads it.
//!
//! Guarantees: every failure says a fact, and where known the detail and a hint, and knows its exit
//! code. Does not: hold secrets or bytes that a client sent.

use std::{fmt, io::Write as _, process::ExitCode};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    fact: String,
    detail: Option<String>,
    hint: Option<String>,
}

/// Who must act, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The machine, the data or the network: exit code 1.
    Failed,
    /// Whoever typed the command or wrote the configuration: exit code 2.
    WrongUsage,
}

impl Failure {
    /// Something that the command needed did not work.
    pub(crate) fn failed(fact: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, fact: fact.into(), detail: None, hint: None }
    }

    /// The command or its configuration asks for something that cannot be meant.
    pub(crate) fn wrong_usage(fact: impl Into<String>) -> Self {
        Self { kind: Kind::WrongUsage, fact: fact.into(), detail: None, hint: None }
    }

    /// Adds what exactly happened, mostly an error of a lower layer.
    pub(crate) fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// 1 or 2, as `main.rs` documents.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Failed => ExitCode::from(1),
            Kind::WrongUsage => ExitCode::from(2),
        }
    }

    /// Writes itself to stderr; a closed stderr is nobody to tell.
    pub(crate) fn report(&self) {
        let _ = writeln!(std::io::stderr().lock(), "strongroom: {self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_fact_detail_and_hint_in_this_order() {
        let failure = Failure::failed("cannot listen on 127.0.0.1:1")
            .detail("permission denied")
            .hint("choose another port with --listen");
        assert_eq!(
            failure.to_string(),
            "cannot listen on 127.0.0.1:1: permission denied\nhint: choose another port with --listen"
        );
    }
}
