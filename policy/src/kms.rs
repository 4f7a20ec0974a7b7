//! Names of keys that are held by a key management service, as ClusterImagePolicy accepts them.

/// Checks the form of a name.
///
/// # Errors
/// Fails with what was wanted. Of AWS, only ARNs name a key or an alias for certain, ids and bare aliases do not.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    if let Some(rest) = name.strip_prefix("awskms://") {
        return check_aws(rest);
    }
    match OTHERS.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        Some(rest) if !rest.is_empty() => Ok(()),
        _ => Err("a key under awskms://, azurekms://, gcpkms:// or hashivault://"),
    }
}

/// `[host:port]/arn:partition:kms:region:account:key/id`, or `alias/name` in place of the key.
fn check_aws(rest: &str) -> Result<(), &'static str> {
    let (endpoint, arn) = rest.split_once('/').ok_or("awskms://[host:port]/arn")?;
    if !endpoint.is_empty() {
        let (host, port) = endpoint.rsplit_once(':').ok_or("host:port before the arn")?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err("host:port before the arn");
        }
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "kms", _, _, resource] if !partition.is_empty() => {
            let named = ["key/", "alias/"].iter().find_map(|kind| resource.strip_prefix(kind));
            if named.is_some_and(|name| !name.is_empty()) { Ok(()) } else { Err("the arn of a key or alias") }
        }
        _ => Err("the arn of a key or alias"),
    }
}

const OTHERS: [&str; 3] = ["azurekms://", "gcpkms://", "hashivault://"];

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn aws_names_are_arns_of_keys_and_aliases() {
        assert_eq!(check("awskms:///arn:aws:kms:us-east-2:111122223333:key/1234abcd"), Ok(()));
        assert_eq!(check("awskms://localhost:4566/arn:aws:kms:us-east-2:111122223333:alias/Example"), Ok(()));
        for bad in [
            "awskms:///1234abcd-12ab-34cd-56ef-1234567890ab",
            "awskms:///alias/Example",
            "awskms://localhost/arn:aws:kms:us-east-2:111122223333:key/1",
            "awskms://:4566/arn:aws:kms:us-east-2:111122223333:key/1",
            "awskms:///arn:aws:kms:us-east-2:111122223333:key/",
            "awskms:///arn:aws:s3:us-east-2:111122223333:key/1",
            "awskms:///arn:aws:kms:us-east-2",
            "awskms://",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_services_need_their_prefix_and_something_after_it() {
        for good in ["hashivault://key/path", "gcpkms://projects/p", "azurekms://vault/key"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["hashivault://", "k8s://ns/secret", "cosign.key", "HASHIVAULT://key", "gcpkms:/p"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
