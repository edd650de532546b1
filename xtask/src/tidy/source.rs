//! Rust text, split into what the compiler reads and what people read, and told apart from tests.
//!
//! Guarantees: blanked text keeps every byte offset and line number of the original.
//! Does not: parse Rust. It knows comments, literals, brackets and `cfg(test)`, and no more.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::TextFile;

/// One Rust file, ready for the rules.
pub(crate) struct RustFile {
    /// Relative to the root of the tree.
    pub(crate) path: PathBuf,
    /// As written.
    pub(crate) text: String,
    /// Comments and the insides of literals blanked.
    pub(crate) code: String,
    /// Everything but comments blanked.
    pub(crate) comments: String,
    /// Byte ranges that only tests compile.
    test_ranges: Vec<Range<usize>>,
    /// The whole file is of tests.
    pub(crate) is_test: bool,
}

impl RustFile {
    fn new(file: &TextFile) -> Self {
        let (code, comments) = split(&file.text);
        let test_ranges = test_items(&code);
        let is_test = is_test_path(&file.path);
        let (path, text) = (file.path.clone(), file.text.clone());
        Self { path, text, code, comments, test_ranges, is_test }
    }

    /// Whether only tests compile what stands at byte `offset`.
    pub(crate) fn in_test(&self, offset: usize) -> bool {
        self.is_test || self.test_ranges.iter().any(|range| range.contains(&offset))
    }

    /// The line, from 1, of byte `offset`.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// How many lines stand outside of tests.
    pub(crate) fn lines_outside_tests(&self) -> usize {
        let mut offset = 0;
        let mut count = 0;
        for line in self.text.split_inclusive('\n') {
            count += usize::from(!self.in_test(offset));
            offset += line.len();
        }
        count
    }

    /// Where `word` stands in the code, not as a part of a longer identifier.
    pub(crate) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        word_offsets(&self.code, word)
    }
}

/// All Rust files, with those known as tests that a `#[cfg(test)] mod name;` elsewhere declares.
pub(crate) fn rust_files(files: &[TextFile]) -> Vec<RustFile> {
    let rust = files.iter().filter(|file| file.path.extension().is_some_and(|end| end == "rs"));
    let mut rust: Vec<RustFile> = rust.map(RustFile::new).collect();
    let test_modules: Vec<PathBuf> = rust.iter().flat_map(declared_test_modules).collect();
    for file in &mut rust {
        let stem = file.path.with_extension("");
        let declared = |module: &PathBuf| stem == *module || file.path.starts_with(module);
        file.is_test |= test_modules.iter().any(declared);
    }
    rust
}

fn is_test_path(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "benches" || part == "examples")
        || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// The modules, as paths without extension, that `file` declares for tests only.
fn declared_test_modules(file: &RustFile) -> Vec<PathBuf> {
    let directory = module_directory(&file.path);
    let declarations = file.test_ranges.iter().filter_map(|range| {
        let item = file.code[range.clone()].trim_end().strip_suffix(';')?;
        let (before, name) = item.trim_end().rsplit_once(' ')?;
        before.trim_end().ends_with("mod").then(|| directory.join(name))
    });
    declarations.collect()
}

fn module_directory(path: &Path) -> PathBuf {
    let parent = path.parent().unwrap_or(Path::new(""));
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") | None => parent.to_path_buf(),
        Some(stem) => parent.join(stem),
    }
}

fn word_offsets<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = text.as_bytes();
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !part_of_word(before) && !part_of_word(bytes.get(at + word.len()))
    })
}

/// The byte ranges of the items under `#[cfg(test)]`, `#[cfg(any(test, ..))]` or `#[test]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = vec![];
    for (start, _) in code.match_indices("#[") {
        let end = closing(code, start + 1);
        let attribute = &code[start..end];
        let inner = attribute.trim_start_matches("#[").trim_start();
        let under_cfg = inner.starts_with("cfg(") && !inner.starts_with("cfg(not(");
        let test = word_offsets(inner, "test").next().is_some();
        if test && (under_cfg || inner.starts_with("test") || inner.starts_with("tokio::test")) {
            ranges.push(start..item_end(code, end));
        }
    }
    ranges
}

/// The end of the item that begins at `from`: its closing brace, or the semicolon before any brace.
fn item_end(code: &str, from: usize) -> usize {
    let mut at = from;
    let bytes = code.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = closing(code, at),
            b'{' => return closing(code, at),
            b';' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One past the bracket that closes the one at `open`; the end of the text where none does.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// What a stretch of Rust text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Splits into (code, comments), each as long as `text`, with the other blanked.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let (mut code, mut comments) =
        (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while at < bytes.len() {
        let (kind, length) = stretch(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        for byte in &bytes[at..at + length] {
            let blank = if *byte == b'\n' { b'\n' } else { b' ' };
            let seen = if byte.is_ascii() { *byte } else { b'?' };
            code.push(if kind == Kind::Code { seen } else { blank });
            comments.push(if kind == Kind::Comment { seen } else { blank });
        }
        at += length;
    }
    let ascii = "every byte above is ASCII";
    (String::from_utf8(code).expect(ascii), String::from_utf8(comments).expect(ascii))
}

/// The kind and length of what stands at the front of `rest`.
fn stretch(rest: &[u8], before: Option<u8>) -> (Kind, usize) {
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => (Kind::Comment, find(rest, b'\n')),
        [b'/', b'*', ..] => (Kind::Comment, block_comment(rest)),
        [b'"', ..] => (Kind::Literal, quoted(rest)),
        [b'r', ..] if !in_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', ..] if !in_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => (Kind::Code, 1),
    }
}

fn find(rest: &[u8], wanted: u8) -> usize {
    rest.iter().position(|byte| *byte == wanted).unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], prefix: usize) -> (Kind, usize) {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return (Kind::Code, 1);
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = &rest[prefix + hashes + 1..];
    let length = body.windows(end.len()).position(|window| window == end);
    let whole = length.map(|length| prefix + hashes + 1 + length + end.len());
    (Kind::Literal, whole.unwrap_or(rest.len()))
}

/// A character literal, or the mark of a lifetime.
fn character(rest: &[u8]) -> (Kind, usize) {
    if rest.get(1) == Some(&b'\\') {
        let length = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return (Kind::Literal, length.map_or(rest.len(), |length| length + 4));
    }
    // One character of up to four bytes and the closing quote; anything else is a lifetime.
    let wide = rest.get(1).is_some_and(|byte| !byte.is_ascii());
    let longest = if wide { 5 } else { 2 };
    let close = rest.iter().take(longest + 1).skip(2).position(|byte| *byte == b'\'');
    close.map_or((Kind::Code, 1), |close| (Kind::Literal, close + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn literals_and_comments_are_told_from_code() {
        let text = "let a = \"x // \\\" y\"; // tail 'q'\nlet b: &'static str = r#\"z \" z\"#; let c = '\\''; /* a /* b */ c */ d";
        let (code, comments) = split(text);
        assert_eq!(code.len(), text.len());
        let seen: Vec<&str> = comments.split_whitespace().collect();
        assert_eq!(seen.join(" "), "// tail 'q' /* a /* b */ c */");
        for gone in ["x //", "tail", "z \" z", "a /*"] {
            assert!(!code.contains(gone), "{gone}");
        }
        assert!(code.contains("&'static str") && code.ends_with(" d"));
    }

    #[test]
    fn wide_characters_keep_offsets() {
        let text = "let a = 'é'; let b = \"ü\"; // ö\nend";
        let (code, comments) = split(text);
        assert_eq!((code.len(), comments.len()), (text.len(), text.len()));
        assert_eq!(code.find("end"), text.find("end"));
    }

    #[test]
    fn test_items_are_known() {
        let text = "fn a(x: [u8; 3]) { b() }\n#[cfg(test)]\nmod tests { fn c() { {} } }\nfn d() {}\n#[cfg(not(test))]\nfn e() {}";
        let rust = RustFile::new(&file("src/lib.rs", text));
        let within = |word: &str| rust.in_test(text.find(word).expect("in the text"));
        assert!(within("fn c"));
        assert!(!within("fn a") && !within("fn d") && !within("fn e"));
        assert_eq!(rust.lines_outside_tests(), 4);
    }

    #[test]
    fn modules_declared_for_tests_are_tests() {
        let files = [
            file(
                "a/src/lib.rs",
                "#[cfg(any(test, feature = \"contract\"))]\npub mod contract;\nmod plain;",
            ),
            file("a/src/contract.rs", "fn a() {}"),
            file("a/src/contract/deep.rs", "fn a() {}"),
            file("a/src/plain.rs", "#[cfg(test)] mod inner;"),
            file("a/src/plain/inner.rs", ""),
        ];
        let tests: Vec<bool> = rust_files(&files).iter().map(|file| file.is_test).collect();
        assert_eq!(tests, [false, true, true, false, true]);
    }
}
