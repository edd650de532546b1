//! The lanes of `conformance/`: Python programs that drive the real binary, and how each is run.
//!
//! Guarantees: a lane that cannot run on this machine says so and counts as skipped, never as passed.
//! Does not: know what a lane checks; that stands in the lane's own first lines.

use std::path::{Path, PathBuf};

use crate::binary::{self, Build};
use crate::ci::{Counts, Outcome, Summary};
use crate::process::{self, Finished};
use crate::python::{self, NoPython};

/// The lanes that `conformance` runs when none is named, and CI too.
pub(crate) const QUICK: [&str; 6] =
    ["aws_cli", "boto3_lane", "errors", "wire", "ovh_guide", "damage"];
const LONG: [&str; 4] = ["crash", "memory_scan", "big", "bench"];

/// Which lanes to run against which binary.
pub(crate) struct LaneRun {
    /// File names in `conformance/`, without `.py`.
    pub(crate) names: Vec<&'static str>,
    /// A ready binary; else one is built.
    pub(crate) binary: Option<PathBuf>,
    /// Handed on to each lane.
    pub(crate) arguments: Vec<String>,
}

/// The named lanes, or all quick ones.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static str>, String> {
    if names.is_empty() {
        return Ok(QUICK.to_vec());
    }
    names.iter().map(|name| known(name)).collect()
}

fn known(name: &str) -> Result<&'static str, String> {
    let all = QUICK.into_iter().chain(LONG);
    let found = all.into_iter().find(|lane| *lane == name);
    found.ok_or_else(|| {
        format!("no lane `{name}`; there are {} and {}", QUICK.join(", "), LONG.join(", "))
    })
}

/// The build that a lane needs.
fn build_of(lane: &str) -> Build {
    match lane {
        "memory_scan" => Build::Witness,
        "big" | "bench" => Build::Release,
        _ => Build::Dev,
    }
}

/// Runs lanes by themselves, outside of `ci`: environment, build, lanes, summary.
pub(crate) fn alone(root: &Path, wanted: LaneRun) -> bool {
    let mut summary = Summary::default();
    for lane in wanted.names {
        summary.lane(lane, || match &wanted.binary {
            Some(binary) => run(root, lane, binary, &wanted.arguments),
            None => match binary::build(root, build_of(lane)) {
                Ok(binary) => run(root, lane, &binary, &wanted.arguments),
                Err(message) => Outcome::failed(message),
            },
        });
    }
    summary.close()
}

/// Runs one lane against `binary`.
pub(crate) fn run(root: &Path, lane: &str, binary: &Path, arguments: &[String]) -> Outcome {
    let python = match python::interpreter(root) {
        Ok(python) => python,
        Err(reason) => return without_python(reason),
    };
    let script = root.join("conformance").join(format!("{lane}.py"));
    let mut command = python::script(root, &python, &script);
    command.arg("--bin").arg(binary).args(arguments);
    judged(&process::run(&mut command))
}

/// Where the independent decryptor stands, beside the vectors that it reads.
const JUDGE: &str = "crates/sealed-format/tests/judge";

/// Runs the independent decryptor over the published vectors.
pub(crate) fn format_judge(root: &Path) -> Outcome {
    let Some(script) = scripts(&root.join(JUDGE)).into_iter().next() else {
        return Outcome::failed(format!("no Python file in {JUDGE}"));
    };
    match python::interpreter(root) {
        Ok(python) => judged(&process::run(&mut python::script(root, &python, &script))),
        Err(reason) => without_python(reason),
    }
}

/// The Python programs in `directory`, in the order of their names.
fn scripts(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "py")).collect();
    found.sort();
    found
}

fn without_python(reason: NoPython) -> Outcome {
    match reason {
        NoPython::Missing(tool) => Outcome::Skipped(tool.to_owned()),
        NoPython::Broken(message) => Outcome::failed(message),
    }
}

/// Reads the count line `[name: ]N passed, N failed, N skipped` that closes a lane.
fn judged(finished: &Finished) -> Outcome {
    let counts = finished.lines.iter().rev().find_map(|line| Counts::parse(line));
    match (finished.success, counts) {
        (true, Some(counts)) if counts.failed == 0 => Outcome::Passed(counts),
        (true, None) => Outcome::Passed(Counts::one_passed()),
        (_, Some(counts)) => Outcome::Failed(counts.at_least_one_failed(), "see above".to_owned()),
        (false, None) => Outcome::failed("ended without a count line".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(success: bool, last: &str) -> Finished {
        Finished { success, lines: vec!["ok one".to_owned(), last.to_owned()] }
    }

    #[test]
    fn a_lane_that_fails_in_either_way_is_failed() {
        let good = judged(&finished(true, "errors: 3 passed, 0 failed, 1 skipped"));
        assert_eq!(good, Outcome::Passed(Counts { passed: 3, failed: 0, skipped: 1 }));
        assert!(judged(&finished(true, "errors: 3 passed, 1 failed, 0 skipped")).is_failure());
        assert!(judged(&finished(false, "errors: 3 passed, 0 failed, 0 skipped")).is_failure());
        assert!(judged(&finished(false, "Traceback")).is_failure());
    }

    #[test]
    fn every_lane_is_a_file() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
        for lane in QUICK.into_iter().chain(LONG) {
            assert!(directory.join(format!("{lane}.py")).is_file(), "{lane}");
        }
    }
}
