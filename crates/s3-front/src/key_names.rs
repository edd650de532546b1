//! The names of the headers that carry customer keys, in each vendor's spelling.
//!
//! Guarantees: one list, which the signature's rules and the reader of the headers share, so that no
//! name is read that need not be signed.
//! Does not: decide which vendors' names a server takes; [`crate::profile`] does.

/// The three names of one key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trio {
    /// `…-customer-algorithm`
    pub(crate) algorithm: &'static str,
    /// `…-customer-key`
    pub(crate) key: &'static str,
    /// `…-customer-key-md5`
    pub(crate) key_md5: &'static str,
}

/// One vendor's six names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyNames {
    /// Of the object that the request names.
    pub(crate) own: Trio,
    /// Of the object that it copies from.
    pub(crate) source: Trio,
}

/// `x-amz-…`: everybody's.
pub(crate) const AMZ: KeyNames = KeyNames {
    own: Trio {
        algorithm: "x-amz-server-side-encryption-customer-algorithm",
        key: "x-amz-server-side-encryption-customer-key",
        key_md5: "x-amz-server-side-encryption-customer-key-md5",
    },
    source: Trio {
        algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
        key: "x-amz-copy-source-server-side-encryption-customer-key",
        key_md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
    },
};

/// `x-obs-…`: those of OBS besides.
pub(crate) const OBS: KeyNames = KeyNames {
    own: Trio {
        algorithm: "x-obs-server-side-encryption-customer-algorithm",
        key: "x-obs-server-side-encryption-customer-key",
        key_md5: "x-obs-server-side-encryption-customer-key-md5",
    },
    source: Trio {
        algorithm: "x-obs-copy-source-server-side-encryption-customer-algorithm",
        key: "x-obs-copy-source-server-side-encryption-customer-key",
        key_md5: "x-obs-copy-source-server-side-encryption-customer-key-md5",
    },
};

/// Every spelling that some profile takes.
pub(crate) const ALL: [&KeyNames; 2] = [&AMZ, &OBS];

impl Trio {
    /// Algorithm, key, MD5.
    pub(crate) fn names(&self) -> [&'static str; 3] {
        [self.algorithm, self.key, self.key_md5]
    }
}

impl KeyNames {
    /// The own three, then the source's.
    pub(crate) fn six(&self) -> [&'static str; 6] {
        let ([a, b, c], [d, e, f]) = (self.own.names(), self.source.names());
        [a, b, c, d, e, f]
    }

    /// Whether `name`, in any case, is one of these.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.six().iter().any(|ours| name.eq_ignore_ascii_case(ours))
    }
}

/// The length of the shortest name that some vendor could have: `x--` and what follows `x-amz-`.
const SHORTEST: usize = AMZ.own.key.len() - "amz".len();

/// Whether `name`, in any case, is that of a customer key, its algorithm or its MD5 in the spelling of
/// any vendor, known or not: `x-VENDOR-` and what follows `x-amz-`. A client that sends one means its
/// object to be under that key.
pub(crate) fn is_any_vendors(name: &str) -> bool {
    if name.len() < SHORTEST {
        return false; // as nearly every header and parameter of a request is
    }
    let after_vendor = |name: &str| {
        let (x, rest) = name.split_at_checked(2)?;
        let at = rest.find('-').filter(|_| x.eq_ignore_ascii_case("x-"))?;
        Some(x.len() + at + 1)
    };
    let Some(at) = after_vendor(name) else { return false };
    let known = |ours: &&str| ours["x-amz-".len()..].eq_ignore_ascii_case(&name[at..]);
    AMZ.six().iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_behind_its_prefix() {
        for names in ALL {
            for (name, amz) in names.six().into_iter().zip(AMZ.six()) {
                assert_eq!(name[6..], amz[6..]);
                assert!(is_any_vendors(name) && is_any_vendors(&name.to_uppercase()));
                assert!(names.has(&name.to_uppercase()));
            }
        }
        let shortest = ALL.iter().flat_map(|names| names.six()).map(str::len).min();
        assert_eq!(shortest, Some(AMZ.own.key.len()), "signature::coverage relies on it");
        assert!(!AMZ.has(OBS.own.key) && !OBS.has(AMZ.own.key));
    }

    #[test]
    fn unknown_vendors_are_known_by_their_shape() {
        assert!(is_any_vendors("x-cos-server-side-encryption-customer-key"));
        assert!(is_any_vendors("x--server-side-encryption-customer-key"), "the shortest");
        for other in [
            "",
            "x",
            "x-",
            "é-",
            "x-amz-",
            "x-amz-server-side-encryption",
            "x-amz-meta-x-amz-server-side-encryption-customer-key",
            "y-amz-server-side-encryption-customer-key",
            "x-amz-server-side-encryption-customer-key-sha256",
        ] {
            assert!(!is_any_vendors(other), "{other}");
        }
    }
}
