//! X: what is accepted, and each reason for which something is not.

mod faults;
mod sign_in;
mod update;
mod v2;
mod verify;
