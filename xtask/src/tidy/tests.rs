//! Every rule is shown to fail, on a small tree that breaks nothing else, and to pass on its repair.

use std::fs;
use std::path::Path;

use super::*;

const MANIFEST: &str = "[package]\nname = \"NAME\"\n[lints]\nworkspace = true\n[dependencies]\n";

/// The messages of a tree made of `files`.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(root.path()).iter().map(ToString::to_string).collect()
}

/// The one finding of one Rust file that begins well.
fn of_rust(body: &str) -> String {
    let found = findings(&[("crates/x/src/a.rs", &format!("//! A module.\n{body}\n"))]);
    assert!(found.len() <= 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

fn of_manifest(name: &str, dependencies: &str) -> Vec<String> {
    let text = MANIFEST.replace("NAME", name) + dependencies;
    findings(&[(&format!("crates/{name}/Cargo.toml"), &text)])
}

#[test]
fn the_project_itself_is_judged_by_the_same_tree_walk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = read_tree(&root);
    assert!(files.iter().any(|file| file.path == Path::new("xtask/src/tidy/tests.rs")));
    assert!(files.iter().any(|file| file.path.starts_with("crates/memory")));
    assert!(!files.iter().any(|file| file.path.starts_with("target")));
}

#[test]
fn arrows_point_one_way() {
    assert_eq!(of_manifest("object-engine", "memory.workspace = true\n"), [""; 0]);
    let wrong = of_manifest("object-engine", "sealed-format.workspace = true\n");
    assert!(wrong[0].contains("object-engine must not depend on sealed-format"), "{wrong:?}");
    assert!(wrong[0].starts_with("crates/object-engine/Cargo.toml:6:"), "{wrong:?}");
    for kind in ["dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
        assert_eq!(of_manifest("keyctl", &format!("[{kind}]\nserver.workspace = true\n")).len(), 1);
    }
}

#[test]
fn another_name_for_a_crate_does_not_pass_the_wall() {
    let wrong =
        of_manifest("sealed-format", "e = { package = \"object-engine\", path = \"..\" }\n");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

#[test]
fn a_crate_without_a_place_is_found() {
    assert!(of_manifest("vault", "")[0].contains("no row in the table of arrows"));
}

#[test]
fn a_crate_takes_the_lints_of_the_workspace() {
    let text = "[package]\nname = \"memory\"\n";
    assert!(findings(&[("crates/memory/Cargo.toml", text)])[0].contains("[lints]"));
}

#[test]
fn the_wall_holds_through_other_crates() {
    let lock = "[[package]]\nname = \"subtle\"\ndependencies = [\"deep 1.0.0\"]\n\
                [[package]]\nname = \"deep\"\ndependencies = [\"tokio\"]\n[[package]]\nname = \"tokio\"\n";
    let manifest = MANIFEST.replace("NAME", "sealed-format") + "subtle.workspace = true\n";
    let tree = [("crates/sealed-format/Cargo.toml", manifest.as_str()), ("Cargo.lock", lock)];
    let found = findings(&tree);
    assert!(found[0].contains("sealed-format -> subtle -> deep -> tokio"), "{found:?}");
    let dev = manifest.replace("[dependencies]", "[dev-dependencies]");
    assert_eq!(
        findings(&[("crates/sealed-format/Cargo.toml", &dev), ("Cargo.lock", lock)]),
        [""; 0]
    );
}

#[test]
fn unsafe_code_stands_in_one_crate() {
    assert!(
        of_rust("fn a() { unsafe { b() } }").ends_with("unsafe code stands only in crates/memory")
    );
    assert_eq!(of_rust("// unsafe\nconst A: &str = \"unsafe\"; // unsafe_code"), "");
    let allowed = [("crates/memory/src/lib.rs", "//! M.\nfn a() { unsafe { b() } }\n")];
    assert_eq!(findings(&allowed), [""; 0]);
}

#[test]
fn unwrap_stands_in_tests() {
    assert!(of_rust("fn a() { b().unwrap(); }").starts_with("crates/x/src/a.rs:2: no unwrap"));
    assert_eq!(of_rust("#[cfg(test)]\nmod tests { fn a() { b().unwrap(); } }"), "");
    assert_eq!(
        findings(&[("crates/x/tests/it/main.rs", "//! T.\nfn a() { b().unwrap(); }\n")]),
        [""; 0]
    );
}

#[test]
fn unfinished_work_is_found() {
    for body in ["fn a() { todo!() }", "fn a() { unimplemented!(\"x\") }", "#[ignore]\nfn a() {}"] {
        assert!(of_rust(body).contains("unfinished work"), "{body}");
    }
    for body in ["// FIXME", "/// XXX: later", "// HACK", "// TODO: later"] {
        assert!(of_rust(body).contains("a mark without an issue"), "{body}");
    }
    assert_eq!(of_rust("// TODO(#7): later\nfn todo() {}"), "");
}

#[test]
fn a_module_begins_with_its_comment() {
    let found = findings(&[("crates/x/src/a.rs", "use b;\n//! Late.\n")]);
    assert!(found[0].contains("a module begins with"), "{found:?}");
    assert_eq!(findings(&[("crates/x/src/a/tests.rs", "use super::*;\n")]), [""; 0]);
}

#[test]
fn names_say_something() {
    for name in ["utils.rs", "helpers/mod.rs", "common.rs", "store_v2.rs"] {
        let found = findings(&[(&format!("crates/x/src/{name}"), "//! A.\n")]);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
    assert_eq!(findings(&[("crates/x/src/list_v2_page.rs", "//! A.\n")]), [""; 0]);
}

#[test]
fn long_things_say_why() {
    let long = format!("fn a() {{\n{}}}", "    b();\n".repeat(80));
    assert!(of_rust(&long).contains("`a` has 82 lines"));
    assert_eq!(of_rust(&format!("// long because: a table\n{long}")), "");
    let file = "fn a() {}\n".repeat(600);
    assert!(of_rust(&file).contains("602 lines outside tests"));
    assert_eq!(of_rust(&format!("// long because: a table\n{file}")), "");
    assert_eq!(of_rust(&format!("#[cfg(test)]\nmod tests {{\n{file}}}")), "");
}

#[test]
fn lints_are_expected_with_a_reason() {
    assert!(of_rust("#[allow(dead_code)]\nfn a() {}").contains("instead of `allow(..)`"));
    assert!(of_rust("#[expect(dead_code)]\nfn a() {}").contains("wants its `reason"));
    assert_eq!(
        of_rust("#[expect(dead_code, reason = \"why\")]\nfn a() { b().expect(\"proof\") }"),
        ""
    );
    assert_eq!(of_rust("fn a() { policy.allow(b) }"), "");
}

#[test]
fn the_format_and_its_page_change_together() {
    let page = "docs/format/sealed-object-v1.md";
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // of "abc"
    let source = format!("//! F.\npub const FORMAT_DOC_SHA256: &str = \"{digest}\";\n");
    let source = ("crates/sealed-format/src/lib.rs", source.as_str());
    assert_eq!(findings(&[source, (page, "abc")]), [""; 0]);
    assert!(findings(&[source, (page, "abd")])[0].contains("is not the digest of"));
    assert!(findings(&[source])[0].contains("is not there"));
}

#[test]
fn expected_failures_have_reasons() {
    let page =
        |row: &str| findings(&[("docs/expected-failures.md", &format!("# Title\n\n{row}\n"))]);
    assert_eq!(
        page("- `errors/E5 in a header`: answered before the signature is checked"),
        [""; 0]
    );
    assert_eq!(page("- `errors/E5 in a header`: no").len(), 1);
    assert_eq!(page("- errors/E5 fails sometimes").len(), 1);
}

#[test]
fn no_word_ties_the_project_to_one_machine() {
    let of = |text: &str| findings(&[("docs/a.md", text)]);
    for text in [
        concat!("see /wo", "rk/main"),
        concat!("cd \"/ro", "ot/x\""),
        concat!("pip --index", "-url x"),
    ] {
        assert_eq!(of(text).len(), 1, "{text}");
    }
    assert_eq!(of(concat!("https://example.org/wo", "rk/main and net", "work/x")), [""; 0]);
}

#[test]
fn python_files_say_what_they_are() {
    assert_eq!(findings(&[("conformance/a.py", "import b\n")]).len(), 1);
    assert_eq!(
        findings(&[("conformance/a.py", "#!/usr/bin/env python3\n\"\"\"A.\"\"\"\n")]),
        [""; 0]
    );
}
