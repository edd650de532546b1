//! The lanes of `conformance/`: Python programs that drive the real binary, and how each is run.
//!
//! Guarantees: a lane that cannot run on this machine says so and counts as skipped, never as passed.
//! Does not: know what a lane checks; that stands in the lane's own first lines.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::binary::{self, Build};
use crate::ci::{Counts, Outcome, Summary};
use crate::process::{self, Finished};
use crate::python::{self, NoPython};

/// The lanes that `conformance` runs when none is named, and CI too.
pub(crate) const QUICK: [&str; 19] = [
    "readme",
    "aws_cli",
    "boto3_lane",
    "minio_py",
    "presigned",
    "habits",
    "copies",
    "post_forms",
    "identity",
    "versions",
    "errors",
    "wire",
    "consistency",
    "aws_guide",
    "ovh_guide",
    "ibm_guide",
    "obs_guide",
    "damage",
    "durable",
];
/// Clients that compile for minutes, or want a Debian package: `conformance --all` runs them after the quick ones.
const CLIENTS: [&str; 8] =
    ["js_sdk", "rclone", "s3fs", "pgbackrest", "barman_cloud", "go_sdks", "java_sdk", "rust_sdks"];
const LONG: [&str; 11] = [
    "crash",
    "cloud_blobs",
    "memory_scan",
    "migrate",
    "scale_out",
    "big",
    "bench",
    "rekey",
    "backends",
    "failover",
    "fronts",
];
/// Lanes that are told how long to take, or that run others.
const PATIENT: [&str; 3] = ["consistency", "backends", "failover"];
const PATIENT_TIME_MAX: Duration = Duration::from_secs(4 * 60 * 60);

/// Which lanes to run against which binary.
pub(crate) struct LaneRun {
    /// File names in `conformance/`, without `.py`.
    pub(crate) names: Vec<&'static str>,
    /// A ready binary; else one is built.
    pub(crate) binary: Option<PathBuf>,
    /// Handed on to each lane.
    pub(crate) arguments: Vec<String>,
}

/// The named lanes, or all quick ones; `--all`: every client there is.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static str>, String> {
    match names {
        [] => Ok(QUICK.to_vec()),
        [all] if all == "--all" => Ok(QUICK.into_iter().chain(CLIENTS).collect()),
        _ => names.iter().map(|name| known(name)).collect(),
    }
}

fn known(name: &str) -> Result<&'static str, String> {
    let found = every().find(|lane| *lane == name);
    found.ok_or_else(|| {
        format!("no lane `{name}`; there are {}", every().collect::<Vec<_>>().join(", "))
    })
}

fn every() -> impl Iterator<Item = &'static str> {
    QUICK.into_iter().chain(CLIENTS).chain(LONG)
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
    let time_max = if PATIENT.contains(&lane) { PATIENT_TIME_MAX } else { process::LANE_TIME_MAX };
    judged(&process::run_within(time_max, &mut command))
}

/// The independent decryptor, and the vectors beside it.
const JUDGE: &str = "crates/sealed-format/tests/judge/judge.py";
const VECTORS: &str = "crates/sealed-format/tests/vectors";

/// Has the independent decryptor open the published vectors, and objects that the crate seals now.
pub(crate) fn format_judge(root: &Path) -> Outcome {
    let python = match python::interpreter(root) {
        Ok(python) => python,
        Err(reason) => return without_python(reason),
    };
    let fresh = binary::target(root).join("lanes/sealed-for-the-judge.json");
    drop(fresh.parent().map(std::fs::create_dir_all));
    let example = match binary::example(root, binary::AS_TESTS, &[]) {
        Ok(example) => example,
        Err(message) => return Outcome::failed(message),
    };
    if !process::run(Command::new(example).arg(&fresh)).success {
        return Outcome::failed("the example that seals for the judge failed".to_owned());
    }
    let mut total = Counts::default();
    for (verb, file) in [("verify", root.join(VECTORS)), ("check", fresh)] {
        let mut command = python::script(root, &python, &root.join(JUDGE));
        let finished = process::run(command.arg(verb).arg(file));
        total.add(cases(&finished));
    }
    match total.failed {
        0 => Outcome::Passed(total),
        _ => Outcome::Failed(total, "see above".to_owned()),
    }
}

/// The example whose memory is searched, and the search.
const FORGETFUL: &str = "leaves_nothing_behind";
const MEMORY_JUDGE: &str = "crates/sealed-format/tests/judge/memory.py";

/// How the program under search is built: as all dev builds are, without optimisation, and as a release build is, since
/// what a function leaves on the stack depends on how it was compiled.
const FORGETFUL_BUILDS: [&[&str]; 2] =
    [&[], &["--config", "profile.dev.package.sealed-format.opt-level=3"]];

/// Searches the memory of a program that has used every key of the sealed format, on an allocator that
/// wipes nothing: what is clean there is so by the crate's own doing.
pub(crate) fn format_memory(root: &Path) -> Outcome {
    let python = match python::interpreter(root) {
        Ok(python) => python,
        Err(reason) => return without_python(reason),
    };
    let mut total = Counts::default();
    for build in FORGETFUL_BUILDS {
        // Built here and now: a build without the feature would leave a witness of nothing.
        let options = [&["--features", "sealed-format/key-witness"], build].concat();
        let example = match binary::example(root, FORGETFUL, &options) {
            Ok(example) => example,
            Err(message) => return Outcome::failed(message),
        };
        let mut command = python::script(root, &python, &root.join(MEMORY_JUDGE));
        if !process::run(command.arg(example)).success {
            return Outcome::failed("it found keys, or could not have found any".to_owned());
        }
        total.add(Counts::one_passed());
    }
    Outcome::Passed(total)
}

/// Reads the judge's closing line `N cases, N failures`.
fn cases(finished: &Finished) -> Counts {
    let line = finished.lines.last().map(String::as_str).unwrap_or_default();
    let numbers = line.split_once(" cases, ").and_then(|(cases, failures)| {
        let failures: u32 = failures.strip_suffix(" failures")?.parse().ok()?;
        Some((cases.parse::<u32>().ok()?.checked_sub(failures)?, failures))
    });
    match (finished.success, numbers) {
        (true, Some((passed, 0))) if passed > 0 => Counts { passed, ..Counts::default() },
        (_, Some((passed, failed))) => Counts { passed, failed: failed.max(1), skipped: 0 },
        (_, None) => Counts { failed: 1, ..Counts::default() },
    }
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
        (_, Some(counts)) => Outcome::Failed(counts.at_least_one_failed(), "see above".to_owned()),
        // Also one that ended well: nobody knows what it looked at.
        (_, None) => Outcome::failed("ended without a count line".to_owned()),
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
        assert!(judged(&finished(true, "usage: errors.py")).is_failure());
    }

    #[test]
    fn the_judge_passes_only_what_it_has_judged() {
        let counts = |passed, failed| Counts { passed, failed, skipped: 0 };
        assert_eq!(cases(&finished(true, "40 cases, 0 failures")), counts(40, 0));
        assert_eq!(cases(&finished(false, "40 cases, 3 failures")), counts(37, 3));
        assert_eq!(cases(&finished(true, "0 cases, 0 failures")), counts(0, 1));
        assert_eq!(cases(&finished(false, "40 cases, 0 failures")), counts(40, 1));
        assert_eq!(cases(&finished(true, "Traceback")), counts(0, 1));
    }

    #[test]
    fn all_adds_the_clients_to_the_quick_lanes() {
        let named =
            |words: &[&str]| select(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert_eq!(named(&[]).unwrap(), QUICK);
        assert_eq!(named(&["--all"]).unwrap(), [&QUICK[..], &CLIENTS[..]].concat());
        assert_eq!(named(&["rclone", "crash"]).unwrap(), ["rclone", "crash"]);
        assert!(named(&["rclone", "--all"]).is_err());
    }

    #[test]
    fn every_lane_is_a_file() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
        for lane in every() {
            assert!(directory.join(format!("{lane}.py")).is_file(), "{lane}");
        }
    }
}
