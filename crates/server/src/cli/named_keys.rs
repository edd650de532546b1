//! What a user types about the named keys of SSE-KMS.

use clap::{Args, Subcommand};

use super::CatalogArgs;

/// `strongroom kms`.
#[derive(Debug, Args)]
pub(crate) struct KmsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KmsCommand,
    /// Whose keys.
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// The commands about named keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KmsCommand {
    /// Draw a key and keep it under this name, sealed under the master key.
    Add {
        /// A unique name: 1 to 256 of letters, digits and `/_-`.
        name: String,
    },
    /// List the keys, one a line: name, state, when it was made (milliseconds since 1970).
    List,
    /// Let nothing be written or read under a key until it is enabled again.
    Disable {
        /// The name that it was added under.
        name: String,
    },
    /// Let a key be used again.
    Enable {
        /// The name that it was added under.
        name: String,
    },
    /// Remove a key; every object under it is then unreadable for ever.
    Remove {
        /// The name that it was added under.
        name: String,
        /// Yes, unreadable for ever.
        #[arg(long)]
        force: bool,
    },
}
