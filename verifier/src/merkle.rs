//! Inclusion in a Merkle tree (RFC 6962, 2.1; the algorithm of RFC 9162, 2.1.3.2).

use oci::Digest;

type Hash = [u8; 32];

/// The hash of a leaf.
pub(crate) fn leaf(entry: &[u8]) -> Hash {
    let mut bytes = vec![0];
    bytes.extend_from_slice(entry);
    *Digest::of(&bytes).as_bytes()
}

/// The root of the tree of `size` leaves in which this leaf has this index and this path, if such a tree can be.
pub(crate) fn root(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = parent(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = parent(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    *Digest::of(&bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree by its definition.
    fn tree(leaves: &[Hash]) -> Hash {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                parent(&tree(left), &tree(right))
            }
        }
    }

    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return vec![];
        }
        let half = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(half);
        let (mut inner, sibling) =
            if index < half { (path(index, left), right) } else { (path(index - half, right), left) };
        inner.push(tree(sibling));
        inner
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_found_and_nothing_else() {
        for size in 1..=20_usize {
            let leaves: Vec<Hash> = (0..size).map(|i| leaf(&i.to_be_bytes())).collect();
            for index in 0..size {
                let (path, wanted) = (path(index, &leaves), Some(tree(&leaves)));
                let found = |leaf, index: usize, path: &[Hash]| root(leaf, index as u64, size as u64, path);
                assert_eq!(found(leaves[index], index, &path), wanted);
                assert_ne!(found(leaf(b"other"), index, &path), wanted);
                for other in (0..=size).filter(|other| *other != index) {
                    assert_ne!(found(leaves[index], other, &path), wanted, "{index} as {other} of {size}");
                }
                assert_ne!(found(leaves[index], index, &[&path[..], &[[0; 32]]].concat()), wanted);
                if let Some((_, shorter)) = path.split_last() {
                    assert_ne!(found(leaves[index], index, shorter), wanted);
                }
            }
        }
    }
}
