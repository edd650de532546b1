//! Prose for those who judge or change this crate. It holds no code.

pub mod mistakes_of_others;
pub mod reasons_for_defaults;
