//! The settings of the service, which its operator makes.
