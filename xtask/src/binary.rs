//! Builds the server for the lanes, and puts each build where the next one does not overwrite it.
//!
//! The witness build (feature `key-witness`) writes every secret it derives to a file that the memory
//! lane reads. It exists for that test alone; nothing else here ever runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// Which build of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Build {
    /// Default features, dev profile.
    Dev,
    /// Dev profile with the secrets exported to the memory test.
    Witness,
    /// What users run: for figures only.
    Release,
}

impl Build {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "strongroom",
            Self::Witness => "strongroom-witness",
            Self::Release => "strongroom-release",
        }
    }

    /// Dev builds resolve features as `cargo test --workspace` does, so that both share every dependency: one
    /// package by itself would have them all compiled again, with fewer features. An example stands in for the
    /// tests, which is what has cargo count their dependencies. With ours not optimised either way (`Cargo.toml`), nothing
    /// is compiled that the tests have not compiled.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &["--workspace", "--bin", "strongroom", "--example", AS_TESTS],
            Self::Witness => &[
                "--workspace",
                "--bin",
                "strongroom",
                "--example",
                AS_TESTS,
                "--features",
                "server/key-witness",
            ],
            Self::Release => &["--package", "server", "--release"],
        }
    }

    fn profile_directory(self) -> &'static str {
        match self {
            Self::Dev | Self::Witness => "debug",
            Self::Release => "release",
        }
    }
}

/// The example that lanes about the format run, and that every dev build is made with.
pub(crate) const AS_TESTS: &str = "seal_for_judge";

/// Builds an example, with the dependencies of the tests and cargo's `options`; answers its path.
pub(crate) fn example(root: &Path, name: &str, options: &[&str]) -> Result<PathBuf, String> {
    let mut command = cargo(root);
    command.args(["build", "--locked", "--workspace", "--example", name]).args(options);
    match process::run(&mut command).success {
        true => Ok(target(root).join("debug/examples").join(name)),
        false => Err(format!("the example {name} does not build")),
    }
}

/// Builds, and answers the path of a copy that later builds leave alone.
pub(crate) fn build(root: &Path, build: Build) -> Result<PathBuf, String> {
    let mut command = cargo(root);
    command.args(["build", "--locked"]).args(build.arguments());
    if !process::run(&mut command).success {
        return Err(format!("the {build:?} build of the server failed"));
    }
    let built = target(root).join(build.profile_directory()).join("strongroom");
    let directory = target(root).join("lanes");
    let kept = directory.join(build.name());
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    // Removed first: a copy over a binary that still runs somewhere is refused by the kernel.
    drop(fs::remove_file(&kept));
    fs::copy(&built, &kept).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(kept)
}

/// The cargo that runs this, at the root of the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
