//! The rules for Rust files: first lines, sizes, names, and what stands nowhere or only in tests.

use super::Finding;
use super::source::{RustFile, closing};

/// Lines outside tests above which a file says why it is one file.
const FILE_LINES_MAX: usize = 600;
/// Lines above which a function says why it is one function.
const FUNCTION_LINES_MAX: usize = 80;
/// What such a reason begins with.
const LONG_BECAUSE: &str = "// long because:";
/// The only crate that may hold unsafe code.
const UNSAFE_CRATE: &str = "crates/memory";
/// Names that say nothing about their contents.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "helper", "common", "misc"];

/// All findings of one file.
pub(crate) fn check(file: &RustFile) -> Vec<Finding> {
    let rules: [fn(&RustFile) -> Vec<Finding>; 9] = [
        module_comment,
        name,
        unsafe_code,
        unwrap,
        unfinished,
        marks,
        lint_attributes,
        long_file,
        long_functions,
    ];
    rules.iter().flat_map(|rule| rule(file)).collect()
}

fn at(file: &RustFile, offset: usize, message: impl Into<String>) -> Finding {
    Finding::new(&file.path, file.line_of(offset), message)
}

/// `tests.rs` is the end of the file beside it, and needs no subject of its own.
fn module_comment(file: &RustFile) -> Vec<Finding> {
    if file.path.file_name().is_some_and(|name| name == "tests.rs") {
        return vec![];
    }
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match first.starts_with("//!") {
        true => vec![],
        false => {
            vec![at(file, 0, "a module begins with `//!`: what it is, guarantees, does not do")]
        }
    }
}

fn name(file: &RustFile) -> Vec<Finding> {
    let parts = file.path.with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy());
    let bad = parts.filter(|part| {
        let numbered = part.rsplit_once("_v").is_some_and(|(_, tail)| is_number(tail));
        EMPTY_NAMES.contains(&part.as_ref()) || numbered
    });
    bad.map(|part| at(file, 0, format!("`{part}` does not say what it holds; name its subject")))
        .collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unsafe_code(file: &RustFile) -> Vec<Finding> {
    if file.path.starts_with(UNSAFE_CRATE) {
        return vec![];
    }
    let found = file.words("unsafe");
    found
        .map(|offset| at(file, offset, format!("unsafe code stands only in {UNSAFE_CRATE}")))
        .collect()
}

fn unwrap(file: &RustFile) -> Vec<Finding> {
    let calls = file.code.match_indices(".unwrap()").map(|(offset, _)| offset);
    let calls = calls.filter(|offset| !file.in_test(*offset));
    calls
        .map(|offset| {
            at(file, offset, "no unwrap outside tests: `expect` with its proof, or an error")
        })
        .collect()
}

fn unfinished(file: &RustFile) -> Vec<Finding> {
    let macros = ["todo", "unimplemented"].into_iter().flat_map(|word| file.words(word));
    let macros = macros.filter(|offset| {
        let after = file.code[*offset..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        after.starts_with('!')
    });
    let ignored = file.code.match_indices("#[ignore").map(|(offset, _)| offset);
    macros
        .chain(ignored)
        .map(|offset| at(file, offset, "unfinished work is an issue, not a line of code"))
        .collect()
}

/// Marks in comments. A "to do" may stand if it names its issue: `TODO(#12)`.
fn marks(file: &RustFile) -> Vec<Finding> {
    let plain = ["FIXME", "XXX", "HACK"].into_iter();
    let mut found: Vec<usize> = plain
        .flat_map(|word| file.comments.match_indices(word))
        .map(|(offset, _)| offset)
        .collect();
    let to_do = file.comments.match_indices("TODO").map(|(offset, _)| offset);
    found.extend(to_do.filter(|offset| !file.comments[*offset..].starts_with("TODO(#")));
    found
        .into_iter()
        .map(|offset| at(file, offset, "a mark without an issue; finish it or name one"))
        .collect()
}

/// `allow` says nothing when its cause goes away, and a silent `expect` does not say its cause.
fn lint_attributes(file: &RustFile) -> Vec<Finding> {
    let mut findings = vec![];
    for offset in file.words("allow").filter(|offset| opens_attribute(file, *offset)) {
        findings.push(at(
            file,
            offset,
            "write `expect(.., reason = \"..\")` instead of `allow(..)`",
        ));
    }
    for offset in file.words("expect").filter(|offset| opens_attribute(file, *offset)) {
        let end = closing(&file.code, offset + "expect".len());
        if !file.code[offset..end].contains("reason") {
            findings.push(at(file, offset, "`expect(..)` wants its `reason = \"..\"`"));
        }
    }
    findings
}

/// Whether the word at `offset` begins an attribute: `#[word(` or `#![word(`, also under `cfg_attr`.
fn opens_attribute(file: &RustFile, offset: usize) -> bool {
    let line_start = file.code[..offset].rfind('\n').map_or(0, |at| at + 1);
    let before = file.code[line_start..offset].trim_start();
    before.ends_with("#[")
        || before.ends_with("#![")
        || before.starts_with("#[cfg_attr(")
        || before.starts_with("#![cfg_attr(")
}

fn long_file(file: &RustFile) -> Vec<Finding> {
    let lines = file.lines_outside_tests();
    if lines <= FILE_LINES_MAX || file.comments.contains(LONG_BECAUSE) {
        return vec![];
    }
    vec![at(file, 0, format!("{lines} lines outside tests: cut it, or say `{LONG_BECAUSE} ..`"))]
}

fn long_functions(file: &RustFile) -> Vec<Finding> {
    let starts: Vec<usize> = file.words("fn").filter(|offset| !file.in_test(*offset)).collect();
    starts.into_iter().filter_map(|offset| long_function(file, offset)).collect()
}

fn long_function(file: &RustFile, offset: usize) -> Option<Finding> {
    let body = body_of(&file.code, offset)?;
    let end = closing(&file.code, body);
    let (first, last) = (file.line_of(offset), file.line_of(end));
    let lines = last - first + 1;
    let above = file.comments[..offset].rmatch_indices('\n').nth(5).map_or(0, |(at, _)| at);
    let reason = file.comments[above..end].contains(LONG_BECAUSE);
    let name = file.code[offset + 2..]
        .trim_start()
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;
    (lines > FUNCTION_LINES_MAX && !reason).then(|| {
        at(file, offset, format!("`{name}` has {lines} lines: cut it, or say `{LONG_BECAUSE} ..`"))
    })
}

/// The opening brace of the function at `offset`; `None` for one without a body.
fn body_of(code: &str, offset: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut at = offset;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = closing(code, at),
            b'{' => return Some(at),
            b';' => return None,
            _ => at += 1,
        }
    }
    None
}
