//! Every test that docs/semantics.md names is there.

use std::{fs, path::Path};

/// The names in backticks of the lines that begin with `Test:`.
fn named_tests(document: &str) -> Vec<String> {
    let lines = document.lines().filter_map(|line| line.strip_prefix("Test: "));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// The source file of a test's path: an integration test's, or a module's with its tests.
pub(crate) fn sources(root: &Path, modules: &[&str]) -> String {
    let integration = root.join("tests/it").join(format!("{}.rs", modules[0]));
    let module = modules.join("/").replace("/tests", "");
    let unit = root.join("src").join(format!("{module}.rs"));
    let apart = root.join("src").join(&module).join("tests.rs");
    let of_tests = root.join("src").join(modules.join("/")).with_extension("rs");
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    [integration, unit, apart, of_tests].into_iter().map(read).collect()
}

#[test]
fn the_document_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("../../docs/semantics.md")).unwrap();
    let names = named_tests(&document);
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let mut modules: Vec<_> = name.split("::").collect();
        let function = if modules.last() == Some(&"tests") { "*" } else { modules.pop().unwrap() };
        // What is promised of connections is the server's.
        let source = sources(root, &modules) + &sources(&root.join("../server"), &modules);
        assert!(!source.is_empty(), "no file for {name}");
        let found = function == "*" || source.contains(&format!("fn {function}()"));
        assert!(found, "docs/semantics.md names {name}, which does not exist");
    }
}
