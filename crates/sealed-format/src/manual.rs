//! Prose for those who judge or change this crate: the mistakes that are avoided, and the reasons for the defaults.
