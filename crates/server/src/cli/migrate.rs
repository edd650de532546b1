//! What is typed about moving a store.
//!
//! Guarantees: a URL, which may hold a password, need not stand in the arguments, which show in process lists.

use std::path::PathBuf;

use clap::Args;

use crate::metadata::SecretUrl;

/// `strongroom migrate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct MigrateArgs {
    /// The data directory to move from
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The catalog to move from, as --metadata of its server [default: lmdb:]
    #[arg(long, value_name = "URL", env = "STRONGROOM_FROM_METADATA", hide_env_values = true)]
    pub(crate) from_metadata: Option<SecretUrl>,
    /// The blobs to move from, as --blobs of its server [default: files in its data directory]
    #[arg(long, value_name = "URL", env = "STRONGROOM_FROM_BLOBS", hide_env_values = true)]
    pub(crate) from_blobs: Option<SecretUrl>,
    /// The data directory to move to; it is made, and gets what else its server needs
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// The catalog to move to, which must be empty [default: lmdb:]
    #[arg(long, value_name = "URL", env = "STRONGROOM_TO_METADATA", hide_env_values = true)]
    pub(crate) to_metadata: Option<SecretUrl>,
    /// The blobs to move to, where there must be none; or the place where they are, and there they stay (with
    /// --retire) [default: files in its data directory]
    #[arg(long, value_name = "URL", env = "STRONGROOM_TO_BLOBS", hide_env_values = true)]
    pub(crate) to_blobs: Option<SecretUrl>,
    /// Read every byte back that was written to the new blobs
    #[arg(long)]
    pub(crate) read_back: bool,
    /// At the end, mark the old catalog so that no server takes it any more
    #[arg(long)]
    pub(crate) retire: bool,
}

/// What `migrate --help` says below the flags.
const AFTER_HELP: &str = "\
Neither side may be served meanwhile. Nothing is decrypted. A run that was interrupted is taken up by the same \
command; until it has ended no server takes the new catalog.

Credentials for blobs come from AWS_…, AZURE_… or GOOGLE_… variables; those of one side alone have \
STRONGROOM_FROM_ or STRONGROOM_TO_ in front, as in STRONGROOM_TO_AWS_ACCESS_KEY_ID.";
