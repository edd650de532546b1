//! Whole bodies.
