//! What developers and CI run: `cargo xtask COMMAND`.
//!
//! `ci` is the one test command of the README; the others are its lanes alone, or the long ones
//! that CI runs in small. Exit codes: 0 everything passed, 1 something failed, 2 wrong usage.
//!
//! Does not: install anything outside `target/`, or pass over a missing tool in silence.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool reports by printing"
)]

mod binary;
mod ci;
mod instructions;
mod lanes;
mod process;
mod python;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use lanes::LaneRun;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci                                every test, cheapest first; does its own set-up
  tidy                              the project's own rules over its sources
  conformance [LANE...] [--bin P]   real clients against the real binary (default: all quick lanes)
  conformance --all [--bin P]       the quick lanes, and the clients that compile or install for minutes
  conformance [LANE...] [--metadata postgres|URL] [--blobs rgw|strongroom|URL] [--fronts N] [--rgw COMMAND]
                                    the same lanes over PostgreSQL and an object store
  consistency [--minutes N] [...]   clients at once against a model of strong consistency (default 60 minutes)
  failover [--rounds N] [...]       kill -9 of front-ends and of a replicated PostgreSQL's primary (default 20 each)
  crash [--rounds N] [--seed N]     kill -9 under load, N times (default 200)
  memory                            looks for key material in the memory of a server and in its files
  big [--gib N]                     one object of N GiB (default 5) in and out in constant memory
  rekey [--gib N]                   a new key for an object of N GiB, killed at every system call of the copy
  bench --peerbench SCRIPT [...]    figures of a release build, beside peers, in several rounds
  instructions [--bless]            instructions a request under valgrind, against the committed table

Every lane but `bench` and `big` uses a dev build. `--bin P` takes a ready binary instead of building.
";

/// What `conformance` hands on to `conformance/backends.py`, which runs the lanes where these say.
const BACKEND_OPTIONS: [&str; 5] = ["--metadata", "--blobs", "--fronts", "--rgw", "--minutes"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("xtask: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Runs one command. `Ok(false)`: it ran and something failed. `Err`: wrong usage.
fn run(arguments: &[String]) -> Result<bool, String> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err("no command given".to_owned());
    };
    let root = root();
    match command.as_str() {
        "ci" => no_arguments(rest).map(|()| ci::run(&root)),
        "tidy" => no_arguments(rest).map(|()| tidy::run(&root)),
        "conformance" => {
            let (binary, rest) = take_option(rest, "--bin")?;
            let (mut arguments, lanes) = take_options(&rest, &BACKEND_OPTIONS)?;
            let mut names = lanes::select(&lanes)?;
            if !arguments.is_empty() {
                arguments.extend(lanes);
                names = vec!["backends"];
            }
            let binary = binary.map(PathBuf::from);
            Ok(lanes::alone(&root, LaneRun { names, binary, arguments }))
        }
        "consistency" => lane_with_defaults(&root, "consistency", rest, &["--minutes", "60"]),
        "failover" => lane_with_defaults(&root, "failover", rest, &["--rounds", "20"]),
        "crash" => lane_with_defaults(&root, "crash", rest, &["--rounds", "200"]),
        "memory" => lane_with_defaults(&root, "memory_scan", rest, &[]),
        "big" => lane_with_defaults(&root, "big", rest, &["--gib", "5"]),
        "rekey" => lane_with_defaults(&root, "rekey", rest, &["--gib", "0.25"]),
        "bench" => {
            let (script, rest) = take_option(rest, "--peerbench")?;
            let script = script.ok_or("bench wants --peerbench SCRIPT")?;
            let (binary, rest) = take_option(&rest, "--bin")?;
            let binary = binary.map(PathBuf::from);
            let arguments = ["--peerbench".to_owned(), script].into_iter().chain(rest).collect();
            Ok(lanes::alone(&root, LaneRun { names: vec!["bench"], binary, arguments }))
        }
        "instructions" => match rest {
            [] => Ok(instructions::run(&root, false)),
            [bless] if bless == "--bless" => Ok(instructions::run(&root, true)),
            [first, ..] => Err(format!("unexpected argument `{first}`")),
        },
        other => Err(format!("no command `{other}`")),
    }
}

fn lane_with_defaults(
    root: &std::path::Path,
    lane: &'static str,
    rest: &[String],
    defaults: &[&str],
) -> Result<bool, String> {
    let (binary, mut arguments) = take_option(rest, "--bin")?;
    for pair in defaults.chunks(2) {
        if !arguments.iter().any(|given| given == pair[0]) {
            arguments.extend(pair.iter().map(|word| (*word).to_owned()));
        }
    }
    let binary = binary.map(PathBuf::from);
    Ok(lanes::alone(root, LaneRun { names: vec![lane], binary, arguments }))
}

fn no_arguments(rest: &[String]) -> Result<(), String> {
    match rest {
        [] => Ok(()),
        [first, ..] => Err(format!("unexpected argument `{first}`")),
    }
}

/// Takes every `name VALUE` of `names` out of `arguments`, as the words that they are; the rest keeps its order.
fn take_options(
    arguments: &[String],
    names: &[&str],
) -> Result<(Vec<String>, Vec<String>), String> {
    let (mut taken, mut rest) = (Vec::new(), arguments.to_vec());
    for name in names {
        let (value, left) = take_option(&rest, name)?;
        taken.extend(value.map(|value| [(*name).to_owned(), value]).into_iter().flatten());
        rest = left;
    }
    Ok((taken, rest))
}

/// Takes `name VALUE` out of `arguments`; the rest keeps its order.
fn take_option(arguments: &[String], name: &str) -> Result<(Option<String>, Vec<String>), String> {
    let mut rest = arguments.to_vec();
    let Some(at) = rest.iter().position(|word| word == name) else {
        return Ok((None, rest));
    };
    if at + 1 >= rest.len() {
        return Err(format!("{name} wants a value"));
    }
    let value = rest.remove(at + 1);
    rest.remove(at);
    Ok((Some(value), rest))
}

/// The root of the workspace: cargo names this crate's directory to what it runs.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let parent = manifest.and_then(|dir| dir.parent().map(PathBuf::from));
    parent.unwrap_or_else(|| PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn wrong_usage_is_told_from_failure() {
        assert!(run(&[]).is_err());
        assert!(run(&words("frobnicate")).is_err());
        assert!(run(&words("tidy --now")).is_err());
        assert!(run(&words("conformance no_such_lane")).is_err());
        assert!(run(&words("conformance --bin")).is_err());
        assert!(run(&words("conformance --fronts")).is_err());
        assert!(run(&words("conformance --fronts 2 no_such_lane")).is_err());
        assert!(run(&words("bench")).is_err());
        assert!(run(&words("instructions --now")).is_err());
    }

    #[test]
    fn an_option_is_taken_from_any_place() {
        let (value, rest) = take_option(&words("a --bin b c"), "--bin").unwrap();
        assert_eq!(value.as_deref(), Some("b"));
        assert_eq!(rest, words("a c"));
        assert_eq!(take_option(&words("a"), "--bin").unwrap(), (None, words("a")));
        let line = words("copies --rgw up --fronts 2 wire");
        let (taken, rest) = take_options(&line, &BACKEND_OPTIONS).unwrap();
        assert_eq!((taken, rest), (words("--fronts 2 --rgw up"), words("copies wire")));
    }
}
