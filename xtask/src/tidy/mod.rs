//! `cargo xtask tidy`: the project's own rules, held by a program instead of by reviewers.
//!
//! Guarantees: each finding names file, line and what to do. Every rule has a test that shows it fail.
//! Does not: check what rustfmt, clippy or cargo-deny check already.

mod arrows;
mod documents;
mod rust;
mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root of the tree.
    file: PathBuf,
    /// From 1.
    line: usize,
    /// What is wrong and what would be right.
    message: String,
}

impl Finding {
    fn new(file: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_path_buf(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// One text file of the tree.
pub(crate) struct TextFile {
    /// Relative to the root of the tree.
    path: PathBuf,
    text: String,
}

/// Checks the tree at `root`, prints the findings; whether there is none.
pub(crate) fn run(root: &Path) -> bool {
    let findings = check(root);
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    findings.is_empty()
}

fn check(root: &Path) -> Vec<Finding> {
    let files = read_tree(root);
    let mut findings = arrows::check(&files);
    let rust_files = source::rust_files(&files);
    findings.extend(rust_files.iter().flat_map(rust::check));
    findings.extend(documents::check(&files));
    findings.sort();
    findings.dedup();
    findings
}

/// Not ours to judge: what builds and runs leave behind.
const SKIPPED_DIRECTORIES: [&str; 4] = [".git", "target", "strongroom-data", "__pycache__"];

fn read_tree(root: &Path) -> Vec<TextFile> {
    let mut files = vec![];
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let skipped = SKIPPED_DIRECTORIES.iter().any(|name| entry.file_name() == *name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !skipped => pending.push(path),
                Ok(kind) if kind.is_file() && !skipped => files.extend(read_text(root, &path)),
                _ => {}
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

/// `None` for what is not UTF-8: binary vectors and the like.
fn read_text(root: &Path, path: &Path) -> Option<TextFile> {
    let text = fs::read_to_string(path).ok()?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    Some(TextFile { path: relative.to_path_buf(), text })
}

#[cfg(test)]
mod tests;
