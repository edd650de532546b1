//! Signatures against other people's judges.
