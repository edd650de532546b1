//! A catalog in memory, for tests and as the model of the contract.
