//! The names of AWS's regions.
//!
//! Guarantees: says of a name only whether AWS has such a region.
//! Does not: know the region that this server serves, which may have any name.

/// Of the partition `aws`, sorted. One that is missing is refused in other words, and nothing else.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether AWS has a region of this name.
pub fn is_of_aws(name: &str) -> bool {
    REGIONS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_found_by_name() {
        assert!(REGIONS.is_sorted());
        assert!(REGIONS.iter().all(|name| is_of_aws(name)));
        assert!(!is_of_aws("eu-east-1") && !is_of_aws("EU") && !is_of_aws(""));
    }
}
