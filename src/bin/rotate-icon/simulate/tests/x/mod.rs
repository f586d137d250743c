//! X: what is accepted, and each reason for which something is not.

mod faults;
mod sign_in;
mod update;
mod verify;
