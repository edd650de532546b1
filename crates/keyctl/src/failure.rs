//! What ends a command other than success: a fact, and where known the detail and a hint.
//!
//! Does not: hold a key or a part of one.

use std::{fmt, io::Write as _};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    fact: String,
    detail: Option<String>,
    hint: Option<&'static str>,
}

impl Failure {
    /// Something did not work.
    pub(crate) fn new(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), detail: None, hint: None }
    }

    /// Adds what exactly happened.
    pub(crate) fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Writes itself to stderr; a closed stderr is nobody to tell.
    pub(crate) fn report(&self) {
        let _ = writeln!(std::io::stderr().lock(), "strongkey: {self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(hint) = self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}
