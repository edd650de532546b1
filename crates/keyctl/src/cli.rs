//! What is typed.
//!
//! Guarantees: no key can be an argument, since arguments show in process lists.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand};

/// Make and use keys for S3 server-side encryption with customer-provided keys (SSE-C).
#[derive(Debug, Parser)]
#[command(name = "strongkey", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw a new key: 32 random bytes, in a file or as base64 on stdout.
    #[command(group(ArgGroup::new("where").required(true).args(["out", "base64"])))]
    Generate {
        /// Write the raw key to this new file, mode 0600; an existing file is never overwritten.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print the key as base64 to stdout.
        #[arg(long)]
        base64: bool,
    },
    /// Print the base64 of the key's MD5, which SSE-C requests carry beside the key.
    Md5 {
        /// A key: 32 raw bytes, or their base64 in one line.
        file: PathBuf,
    },
    /// Print the three SSE-C request headers, the key among them.
    Headers {
        /// A key: 32 raw bytes, or their base64 in one line.
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_tree_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
