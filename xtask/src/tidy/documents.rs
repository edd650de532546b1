//! The rules for everything that is not Rust, and for words that must stand nowhere.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Finding, TextFile};

/// The page that other implementations are written from.
const FORMAT_DOCUMENT: &str = "docs/format/sealed-object-v1.md";
/// The file that notes the page's digest, in `FORMAT_DOC_SHA256`.
const FORMAT_SOURCE: &str = "crates/sealed-format/src/lib.rs";
const FORMAT_CONSTANT: &str = "FORMAT_DOC_SHA256";
const EXPECTED_FAILURES: &str = "docs/expected-failures.md";

/// What would tie the project to one person's machine or one place's registry. Written in pieces,
/// so that this file passes its own rule.
const FORBIDDEN: [(&str, &str); 8] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("index", "-url"), "a registry of one place"),
    (concat!("replace", "-with"), "a registry of one place"),
    (concat!("static.", "crates.io"), "a registry host"),
    (concat!("files.", "pythonhosted.org"), "a registry host"),
    (concat!("proxy.", "golang.org"), "a registry host"),
];

/// All findings of the tree's texts.
pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files.iter().flat_map(forbidden_words).collect();
    findings.extend(files.iter().flat_map(python_comment));
    findings.extend(format_digest(files));
    let expected = files.iter().find(|file| file.path == Path::new(EXPECTED_FAILURES));
    findings.extend(expected.into_iter().flat_map(reasons));
    findings
}

fn forbidden_words(file: &TextFile) -> Vec<Finding> {
    let mut findings = vec![];
    for (number, line) in file.text.lines().enumerate() {
        for (word, why) in FORBIDDEN {
            if line.match_indices(word).any(|(at, _)| begins_path(line, at)) {
                findings.push(Finding::new(&file.path, number + 1, format!("`{word}` is {why}")));
            }
        }
    }
    findings
}

/// A path begins after something that is no part of a longer one: `example.org/work/` is another.
fn begins_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !line[at..].starts_with('/')
        || !before.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c))
}

fn python_comment(file: &TextFile) -> Option<Finding> {
    if file.path.extension().is_none_or(|end| end != "py") {
        return None;
    }
    let first = file.text.lines().find(|line| !line.starts_with("#!") && !line.is_empty());
    let documented = first.is_some_and(|line| line.starts_with("\"\"\""));
    (!documented).then(|| Finding::new(&file.path, 1, "a Python file begins with its docstring"))
}

/// The page and the code change together: the code notes which text of the page it implements.
fn format_digest(files: &[TextFile]) -> Option<Finding> {
    let source = files.iter().find(|file| file.path == Path::new(FORMAT_SOURCE))?;
    let after = source.text.split_once(FORMAT_CONSTANT)?.1;
    let noted = after.split('"').nth(1).unwrap_or_default();
    let line = source.text.lines().position(|line| line.contains(FORMAT_CONSTANT)).unwrap_or(0) + 1;
    let Some(page) = files.iter().find(|file| file.path == Path::new(FORMAT_DOCUMENT)) else {
        return Some(Finding::new(&source.path, line, format!("{FORMAT_DOCUMENT} is not there")));
    };
    let digest = Sha256::digest(page.text.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let message =
        format!("{FORMAT_CONSTANT} is not the digest of {FORMAT_DOCUMENT}: that is {digest}");
    (noted != digest).then(|| Finding::new(&source.path, line, message))
}

/// Each expected failure is ``- `lane/check`: reason``.
fn reasons(file: &TextFile) -> Vec<Finding> {
    let rows = file.text.lines().enumerate().filter(|(_, line)| line.starts_with("- "));
    let bad = rows.filter(|(_, line)| !has_reason(line));
    let message = "an expected failure reads ``- `lane/check`: reason``";
    bad.map(|(number, _)| Finding::new(&file.path, number + 1, message)).collect()
}

fn has_reason(line: &str) -> bool {
    let Some((name, reason)) = line.split_once("`: ") else { return false };
    name.strip_prefix("- `").is_some_and(|name| name.contains('/')) && reason.trim().len() > 10
}
