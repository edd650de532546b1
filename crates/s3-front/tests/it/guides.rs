//! docs/guides-conformance.md: every sentence has its test, and every test that is named is there.

use std::{fs, path::Path};

use crate::semantics::sources;

/// A row of a table: what the guide says, what is so here, and the tests that show it.
struct Row<'d> {
    sentence: &'d str,
    here: &'d str,
    tests: Vec<Named<'d>>,
}

/// A test as the page names it, and whether it says that it is `(not yet)` there.
struct Named<'d> {
    name: &'d str,
    not_yet: bool,
}

fn rows(document: &str) -> Vec<Row<'_>> {
    let table = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = table.map(|line| line.split(" | ").collect::<Vec<_>>());
    let is_row = |cells: &Vec<&str>| cells[0] != "The guide says" && !cells[0].starts_with("---");
    let row = |cells: Vec<_>| {
        let [sentence, here, shown_by] = cells[..] else { panic!("not three cells: {cells:?}") };
        Row { sentence, here, tests: named(shown_by) }
    };
    cells.filter(is_row).map(row).collect()
}

fn named(cell: &str) -> Vec<Named<'_>> {
    let pieces: Vec<_> = cell.split('`').collect();
    let name = |pair: &[&'_ str]| pair[1].starts_with(" (not yet)");
    let names = pieces[1..].chunks(2).filter(|pair| pair.len() == 2);
    names.map(|pair| Named { name: pair[0], not_yet: name(pair) }).collect()
}

/// Whether the test of this name is there: `lane::check`, `module::test`, or `crate::module::test` of
/// another crate.
fn exists(root: &Path, name: &str) -> bool {
    let (first, rest) = name.split_once("::").unwrap_or((name, ""));
    // A lane and a module of tests may have one name.
    if let Ok(lane) = fs::read_to_string(root.join(format!("conformance/{first}.py")))
        && checks(&lane).iter().any(|check| fits(check, rest))
    {
        return true;
    }
    let crates = root.join("crates");
    let elsewhere = crates.join(first);
    let (package, path) =
        if elsewhere.is_dir() { (elsewhere, rest) } else { (crates.join("s3-front"), name) };
    let mut modules: Vec<_> = path.split("::").collect();
    let function = modules.pop().unwrap_or_default();
    !modules.is_empty() && sources(&package, &modules).contains(&format!("fn {function}()"))
}

/// The names of a lane's checks; those with placeholders as pieces around them.
fn checks(lane: &str) -> Vec<Vec<String>> {
    let calls = lane.split("lane.check(").skip(1);
    let literal = |call: &str| {
        let (is_format, text) = match call.strip_prefix('f') {
            Some(text) => (true, text),
            None => (false, call),
        };
        let text = text.strip_prefix('"')?.split("\"):").next()?;
        Some(if is_format { around_placeholders(text) } else { vec![text.to_owned()] })
    };
    calls.filter_map(literal).collect()
}

fn around_placeholders(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0_u32;
    for char in text.chars() {
        match char {
            '{' if depth == 0 => {
                depth = 1;
                pieces.push(String::new());
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => pieces.last_mut().expect("one at least").push(char),
            _ => {}
        }
    }
    pieces
}

/// Whether the pieces stand in `name` in order, the first at its start and the last at its end.
fn fits(pieces: &[String], name: &str) -> bool {
    let [first, rest @ ..] = pieces else { return false };
    let Some(mut left) = name.strip_prefix(first.as_str()) else { return false };
    let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
    for piece in middle {
        let Some(at) = left.find(piece.as_str()) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last.as_str())
}

#[test]
fn every_sentence_of_the_guides_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/guides-conformance.md")).unwrap();
    let rows = rows(&document);
    assert!(rows.len() > 80, "{}", rows.len());
    let mut wrong = Vec::new();
    for Row { sentence, here, tests } in &rows {
        if tests.is_empty() && !here.starts_with("n/a") {
            wrong.push(format!("no test for {sentence}"));
        }
        for Named { name, not_yet } in tests {
            match (exists(&root, name), not_yet) {
                (true, false) | (false, true) => {}
                (true, true) => wrong.push(format!("{name} is there: take `(not yet)` off")),
                (false, false) => wrong.push(format!("{name} is not there")),
            }
        }
    }
    assert!(wrong.is_empty(), "docs/guides-conformance.md:\n{}", wrong.join("\n"));
}

#[test]
fn names_of_checks_are_found_with_their_placeholders() {
    let lane =
        "with lane.check(\"a: b\"):\n with lane.check(f\"{x['y']}: is {z}.\"):\n lane.check(name)";
    let known = checks(lane);
    let found = |name: &str| known.iter().any(|check| fits(check, name));
    assert!(found("a: b") && found("aws: is good."));
    assert!(!found("a: bc") && !found("a: is good") && !found("aws: was good.") && !found(""));
}
