//! The walls between the crates, read from the Cargo.toml files and Cargo.lock.
//!
//! A module cannot forbid anything; a missing dependency can. Guarantees: no crate depends, in any
//! kind of dependency, on a crate of ours that its row below does not name; `sealed-format` reaches
//! nothing asynchronous through any chain of dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use super::{Finding, TextFile};

/// Who may depend on whom. A new crate gets a row here and a line in ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 11] = [
    ("bench", &["memory", "object-engine", "s3-front", "sealed-format", "sealed-store"]),
    ("cloud-blobs", &["object-engine"]),
    ("memory", &[]),
    ("sealed-format", &[]),
    ("object-engine", &["memory"]),
    ("postgres-catalog", &["object-engine"]),
    ("sealed-store", &["object-engine", "sealed-format"]),
    ("s3-front", &["memory", "object-engine", "sealed-format", "sealed-store"]),
    (
        "server",
        &[
            "cloud-blobs",
            "memory",
            "object-engine",
            "postgres-catalog",
            "s3-front",
            "sealed-format",
            "sealed-store",
        ],
    ),
    ("keyctl", &["sealed-format"]),
    ("xtask", &[]),
];

/// What a crate must not reach through any chain: (crate, unreachable, why).
const UNREACHABLE: [(&str, &[&str], &str); 2] = [
    (
        "sealed-format",
        &["async-trait", "hyper", "mio", "object-engine", "tokio"],
        "sealed-format does no I/O and nothing asynchronous",
    ),
    ("object-engine", &["aws-lc-rs", "sealed-format"], "object-engine never sees a key"),
];

/// One crate of the workspace.
struct Manifest<'a> {
    file: &'a TextFile,
    name: String,
    /// Every dependency of every kind: the package's name and the table it stands in.
    dependencies: Vec<(String, String)>,
}

/// All findings about the crates of a tree.
pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = vec![];
    let mut manifests = vec![];
    for file in files.iter().filter(|file| is_crate_manifest(&file.path)) {
        match manifest(file) {
            Some(manifest) => manifests.push(manifest),
            None => findings.push(Finding::new(&file.path, 1, "no [package] with a name here")),
        }
    }
    let ours: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    findings.extend(manifests.iter().flat_map(|manifest| arrows_of(manifest, &ours)));
    findings.extend(manifests.iter().flat_map(lints_of));
    let lock = files.iter().find(|file| file.path == Path::new("Cargo.lock"));
    if let Some(lock) = lock.and_then(|file| file.text.parse::<Table>().ok()) {
        let graph = graph(&lock, &manifests);
        findings.extend(manifests.iter().flat_map(|manifest| reaches(manifest, &graph)));
    }
    findings
}

/// `crates/NAME/Cargo.toml`, and those of `bench` and `xtask`: the flat layout of the workspace.
fn is_crate_manifest(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    matches!(parts[..], ["crates", _, "Cargo.toml"] | ["bench" | "xtask", "Cargo.toml"])
}

fn manifest(file: &TextFile) -> Option<Manifest<'_>> {
    let table: Table = file.text.parse().ok()?;
    let name = table.get("package")?.get("name")?.as_str()?.to_owned();
    let mut dependencies = vec![];
    collect(&table, "", &mut dependencies);
    for (target, table) in table.get("target").and_then(Value::as_table).into_iter().flatten() {
        if let Some(table) = table.as_table() {
            collect(table, &format!("target.{target}."), &mut dependencies);
        }
    }
    Some(Manifest { file, name, dependencies })
}

fn collect(table: &Table, prefix: &str, into: &mut Vec<(String, String)>) {
    for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
        for (alias, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
            let renamed = value.get("package").and_then(Value::as_str);
            into.push((renamed.unwrap_or(alias).to_owned(), format!("{prefix}{kind}")));
        }
    }
}

fn arrows_of(manifest: &Manifest<'_>, ours: &BTreeSet<&str>) -> Vec<Finding> {
    let path = &manifest.file.path;
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == manifest.name) else {
        let message = format!("crate `{}` has no row in the table of arrows", manifest.name);
        return vec![Finding::new(path, 1, message)];
    };
    let known = |name: &str| ours.contains(name) || ARROWS.iter().any(|(known, _)| *known == name);
    let wrong = manifest
        .dependencies
        .iter()
        .filter(|(name, _)| known(name) && !allowed.contains(&name.as_str()));
    wrong
        .map(|(name, kind)| {
            let message = format!("{} must not depend on {name} ([{kind}])", manifest.name);
            Finding::new(path, line_of(manifest.file, name), message)
        })
        .collect()
}

/// A crate that does not take the workspace's lints would be free of the ban on unsafe code.
fn lints_of(manifest: &Manifest<'_>) -> Vec<Finding> {
    let table: Table = manifest.file.text.parse().unwrap_or_default();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
    match lints.and_then(Value::as_bool) {
        Some(true) => vec![],
        _ => vec![Finding::new(&manifest.file.path, 1, "wants `[lints] workspace = true`")],
    }
}

fn line_of(file: &TextFile, name: &str) -> usize {
    file.text.lines().position(|line| line.contains(name)).map_or(1, |at| at + 1)
}

/// Package name to the names it depends on. Where the lock holds two versions of a package their
/// dependencies are united, which can only find too much. Our own crates come from their manifests
/// without dev-dependencies, which the lock does not tell apart.
fn graph(lock: &Table, manifests: &[Manifest<'_>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = package.get("name").and_then(Value::as_str) else { continue };
        let dependencies =
            package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // A dependency is "name", "name version" or "name version (source)".
        let names = dependencies.filter_map(|entry| entry.as_str()?.split(' ').next());
        graph.entry(name.to_owned()).or_default().extend(names.map(str::to_owned));
    }
    for manifest in manifests {
        let built =
            manifest.dependencies.iter().filter(|(_, kind)| !kind.ends_with("dev-dependencies"));
        graph.insert(manifest.name.clone(), built.map(|(name, _)| name.clone()).collect());
    }
    graph
}

fn reaches(manifest: &Manifest<'_>, graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<Finding> {
    let rows = UNREACHABLE.iter().filter(|(name, _, _)| *name == manifest.name);
    let forbidden =
        rows.flat_map(|(_, forbidden, why)| forbidden.iter().map(move |name| (*name, *why)));
    let mut findings = vec![];
    for (name, why) in forbidden {
        if let Some(chain) = chain(graph, &manifest.name, name) {
            let message =
                format!("{} reaches {name} ({}): {why}", manifest.name, chain.join(" -> "));
            findings.push(Finding::new(&manifest.file.path, 1, message));
        }
    }
    findings
}

/// The shortest chain of dependencies from `from` to `to`.
fn chain(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from.to_owned()]);
    let mut pending = std::collections::VecDeque::from([vec![from.to_owned()]]);
    while let Some(path) = pending.pop_front() {
        let last = path.last()?;
        if last == to {
            return Some(path);
        }
        for next in graph.get(last).into_iter().flatten() {
            if seen.insert(next.clone()) {
                pending.push_back(path.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}
