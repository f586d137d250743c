//! How often an address may do what costs more than an answer.

use core::net::{IpAddr, Ipv6Addr};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Beginning or ending a sign-in, which asks other servers.
    SignIns,
    /// Replacing a picture, which is decoded and rendered.
    Uploads,
}

/// Counts what addresses do. The counts are approximate, and each place that the host runs in has
/// its own.
pub trait RateLimits {
    /// Counts one more from an address, and returns whether it is within the limit. A host without
    /// limits allows everything.
    fn allow(&self, what: Limited, address: &str) -> impl Future<Output = bool>;
}

/// The text by which a visitor's address is counted. Of an IPv6 address that is its first 64 bits,
/// since a visitor has all addresses that begin with them (RFC 6177 §2).
pub fn counted_as(address: &str) -> String {
    const NETWORK: u128 = !(u64::MAX as u128);

    match address
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        Ok(IpAddr::V6(address)) => Ipv6Addr::from(u128::from(address) & NETWORK).to_string(),
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_a_visitor_are_counted_as_one() {
        let visitor = counted_as("2001:db8:1:2:3:4:5:6");
        assert_eq!(visitor, counted_as("2001:DB8:1:2::1"));
        assert_ne!(visitor, counted_as("2001:db8:1:3:3:4:5:6"));
        assert_eq!(counted_as("192.0.2.1"), counted_as("::ffff:192.0.2.1"));
        assert_ne!(counted_as("192.0.2.1"), counted_as("192.0.2.2"));
        assert_eq!(counted_as("unknown"), "unknown");
    }
}
