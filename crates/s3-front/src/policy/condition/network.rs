//! Ranges of addresses.
//!
//! Guarantees: an IPv4 address is the same however it is written, also as an IPv4-mapped IPv6 one.

use std::net::IpAddr;

/// A range of addresses: those that share the first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = width(address);
        let bits = match bits {
            None => width,
            Some(bits) if bits.bytes().all(|digit| digit.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= width).then_some(Self { address, bits }.canonical())
    }

    /// A range of IPv4-mapped addresses as the IPv4 range that it is, lest it look narrow.
    fn canonical(self) -> Self {
        match (self.address.to_canonical(), self.bits.checked_sub(MAPPED_BITS)) {
            (address @ IpAddr::V4(_), Some(bits)) if self.address.is_ipv6() => {
                Self { address, bits }
            }
            _ => self,
        }
    }

    /// Whether the address is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if width(address) != width(self.address) {
            return false;
        }
        let unlike = value(address) ^ value(self.address);
        unlike.checked_shr(width(address) - self.bits).unwrap_or(0) == 0
    }

    /// Whether the range is so wide that AWS takes it for everybody: more than an IPv4 /8 or an IPv6
    /// /32. (No private range is wider.)
    pub(in super::super) fn is_public(&self) -> bool {
        match self.address {
            IpAddr::V4(_) => self.bits < 8,
            IpAddr::V6(_) => self.bits < 32,
        }
    }
}

/// Bits that say that an IPv6 address is an IPv4 one.
const MAPPED_BITS: u32 = 96;

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_addresses() {
        for (range, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:DB8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("::ffff:0.0.0.0/96", "192.0.2.9", true),
            ("::/64", "192.0.2.9", false),
            ("::ffff:0.0.0.0/64", "192.0.2.9", false),
        ] {
            let network = Network::parse(range).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{range} {address}");
        }
        for bad in ["", "x", "192.0.2.0/33", "192.0.2/24", "::/129", "192.0.2.0/", "192.0.2.0/+8"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn wide_ranges_are_public() {
        let public = |range| Network::parse(range).unwrap().is_public();
        assert!(
            public("0.0.0.0/0") && public("54.0.0.0/7") && public("::/0") && public("2000::/31")
        );
        assert!(public("::ffff:0.0.0.0/96"), "all of IPv4");
        assert!(!public("10.0.0.0/8") && !public("54.0.0.0/8") && !public("2001:db8::/32"));
    }
}
