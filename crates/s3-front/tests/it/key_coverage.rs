//! No operation takes a customer key behind the back of `profiles`' matrix.
//!
//! It reads the sources: which operation is dispatched to which module, and which modules ask a request
//! for its key.

use std::{collections::BTreeSet, fs, path::Path};

use crate::profiles::{Class, OPERATIONS};

fn operations_source(module: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations");
    fs::read_to_string(path.join(module).with_extension("rs")).unwrap()
}

/// Whether a module asks a request for a key of either kind.
fn asks_for_a_key(module: &str) -> bool {
    let source = operations_source(module);
    // `sealing` asks for whoever makes a `Sealer`.
    [".for_write()", ".for_part()", ".for_read()", ".for_complete()", "Sealer::of(call"]
        .iter()
        .any(|ask| source.contains(ask))
}

/// Operations, and the modules that perform them: the arms `X::Operation => module::function(…)` of the
/// exhaustive matches over the routes.
fn dispatched() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for dispatcher in ["mod", "sub_resources"] {
        let source = operations_source(dispatcher);
        let pieces: Vec<_> = source.split("=>").collect();
        for pair in pieces.windows(2) {
            let [before, after] = pair else { unreachable!("windows of two") };
            let patterns = before.rsplit(['{', '}', ',', ';']).next().unwrap_or_default();
            let module = after.trim_start_matches([' ', '\n', '{']).split("::").next();
            let module = module.unwrap_or_default().trim();
            for pattern in patterns.split('|') {
                let operation = pattern.rsplit("::").next().unwrap_or_default().trim();
                found.push((operation.to_owned(), module.to_owned()));
            }
        }
    }
    // The arms of `perform` bind what they hand on.
    let is_name = |(operation, _): &(String, String)| {
        !operation.is_empty() && operation.chars().all(char::is_alphanumeric)
    };
    found.into_iter().filter(is_name).collect()
}

fn modules() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations");
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_operation_that_takes_a_key_is_in_the_matrix() {
    let dispatched = dispatched();
    assert!(dispatched.len() > 50, "{dispatched:?}");
    let keyed: BTreeSet<&str> = dispatched
        .iter()
        .filter(|(_, module)| asks_for_a_key(module))
        .map(|(operation, _)| operation.as_str())
        .collect();
    let of_matrix: BTreeSet<&str> = OPERATIONS
        .iter()
        .filter(|(_, class)| *class != Class::Keyless)
        .map(|(name, _)| name.trim_end_matches(" from"))
        .collect();
    assert_eq!(keyed, of_matrix, "asking for a key, and in the matrix of profiles.rs");
}

/// Else the test above would not see who calls it.
#[test]
fn only_what_operations_are_dispatched_to_asks_for_a_key() {
    let dispatched = dispatched();
    let asking =
        modules().into_iter().filter(|module| module != "sealing" && asks_for_a_key(module));
    for module in asking {
        assert!(dispatched.iter().any(|(_, performed_by)| *performed_by == module), "{module}");
    }
}
