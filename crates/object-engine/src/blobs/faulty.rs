//! Faults as decorators: failing, slow and torn blob stores.
