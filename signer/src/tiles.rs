//! An entry of a log of version 2 that is there already, put together from the log's tiles (C2SP, "tlog-tiles").
//!
//! The log hands out an entry with its proof only once, to whoever brought it. Afterwards there is what every reader
//! gets: the entries and hashes, 256 to a tile, and the checkpoint over them. Nothing is verified here.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::KeyKind;
use oci::Digest;
use serde_json::json;
use verifier::TransparencyLog;

use crate::{ServiceError, log_entry::LogEntry, service::Address, token::Web};

type Hash = [u8; 32];

/// The entry with this index, as the log would have handed it out; of a log that is one of these, since what an entry
/// says of its log comes from its key.
pub(crate) async fn entry(
    web: &Web,
    address: &Address,
    index: u64,
    logs: &[TransparencyLog],
) -> Result<LogEntry, ServiceError> {
    let envelope = text(web, address, &[CHECKPOINT]).await?;
    let mut lines = envelope.lines();
    let origin = lines.next().unwrap_or_default();
    let size = lines.next().and_then(|line| line.parse::<u64>().ok()).filter(|size| index < *size && *size <= MAX_SIZE);
    let (Some(size), Some(root)) = (size, lines.next()) else { return Err(address.lacks("checkpoint over the entry")) };
    let log = logs.iter().find(|log| log.origin() == origin);
    let id = key_id(log.ok_or_else(|| address.lacks("checkpoint of a log that is trusted"))?);
    let body = body(web, address, index, size).await?;
    let siblings = siblings(index, size);
    let mut tiles = HashMap::new();
    for node in siblings.iter().cloned().flat_map(perfect) {
        let tile = node.tile();
        if let Entry::Vacant(place) = tiles.entry(tile) {
            place.insert(hashes(web, address, tile, size).await?);
        }
    }
    let path: Option<Vec<String>> = siblings.into_iter().map(|range| Some(b64(&hash(range, &tiles)?))).collect();
    let answer = json!({
        "logIndex": index.to_string(),
        "logId": { "keyId": b64(&id) },
        "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
        "inclusionProof": {
            "logIndex": index.to_string(), "rootHash": root, "treeSize": size.to_string(),
            "hashes": path.ok_or_else(|| address.lacks("hashes in its tiles"))?,
            "checkpoint": { "envelope": envelope },
        },
        "canonicalizedBody": b64(&body),
    });
    LogEntry::version_2(&answer).map_err(|wanted| address.lacks(wanted))
}

/// The entry itself: its tile has entries one after another, each with its length before it.
async fn body(web: &Web, address: &Address, index: u64, size: u64) -> Result<Vec<u8>, ServiceError> {
    let path = tile_path("entries".to_owned(), index / WIDTH, size);
    let bytes = fetch(web, address, &path).await?;
    let mut rest = bytes.as_slice();
    for skipped in 0..WIDTH {
        let entry = rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        match entry {
            Some((entry, _)) if skipped == index % WIDTH => return Ok(entry.to_vec()),
            Some((_, after)) => rest = after,
            None => break,
        }
    }
    Err(address.lacks("entry in its tile"))
}

async fn hashes(web: &Web, address: &Address, tile: Tile, size: u64) -> Result<Vec<Hash>, ServiceError> {
    let below = size.checked_shr(8 * tile.level).unwrap_or(0);
    let bytes = fetch(web, address, &tile_path(tile.level.to_string(), tile.index, below)).await?;
    Ok(bytes.as_chunks().0.to_vec())
}

async fn fetch(web: &Web, address: &Address, path: &[String]) -> Result<Vec<u8>, ServiceError> {
    let path: Vec<&str> = API.into_iter().chain(path.iter().map(String::as_str)).collect();
    let answer = address.succeeded(web.ask(&address.get(&path)).await)?;
    Ok(answer.bytes.to_vec())
}

async fn text(web: &Web, address: &Address, path: &[&str]) -> Result<String, ServiceError> {
    let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    String::from_utf8(fetch(web, address, &path).await?).map_err(|_| address.lacks("checkpoint"))
}

/// `tile/<kind>/x001/x234/067`, and `….p/<width>` for one that is not full yet.
fn tile_path(kind: String, index: u64, of: u64) -> Vec<String> {
    let mut path = vec!["tile".to_owned(), kind];
    let text = format!("{index:03}");
    let text = format!("{text:0>width$}", width = text.len().div_ceil(3) * 3);
    let groups: Vec<&str> =
        text.as_bytes().chunks(3).map(|group| std::str::from_utf8(group).expect("digits")).collect();
    let (last, before) = groups.split_last().expect("there are three digits at least");
    path.extend(before.iter().map(|group| format!("x{group}")));
    match of.saturating_sub(index * WIDTH) {
        width @ 0..WIDTH => path.extend([format!("{last}.p"), width.to_string()]),
        _ => path.push((*last).to_owned()),
    }
    path
}

/// One tile of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Tile {
    level: u32,
    index: u64,
}

/// The root of a whole subtree of 2^`level` entries, the so-many-th of them.
#[derive(Debug, Clone, Copy)]
struct Node {
    level: u32,
    index: u64,
}

impl Node {
    fn tile(self) -> Tile {
        Tile { level: self.level / 8, index: (self.index << (self.level % 8)) / WIDTH }
    }

    fn hash(self, tiles: &HashMap<Tile, Vec<Hash>>) -> Option<Hash> {
        let start = usize::try_from((self.index << (self.level % 8)) % WIDTH).ok()?;
        let mut row = tiles.get(&self.tile())?.get(start..start + (1 << (self.level % 8)))?.to_vec();
        while row.len() > 1 {
            row = row.as_chunks::<2>().0.iter().map(|[left, right]| parent(left, right)).collect();
        }
        row.pop()
    }
}

/// RFC 6962, 2.1.1: the ranges whose hashes lead from an entry to the root, from below.
fn siblings(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut whole, mut path) = (0..size, Vec::new());
    while whole.end - whole.start > 1 {
        let middle = whole.start + left_part(whole.end - whole.start);
        let (within, beside) = match index < middle {
            true => (whole.start..middle, middle..whole.end),
            false => (middle..whole.end, whole.start..middle),
        };
        path.push(beside);
        whole = within;
    }
    path.reverse();
    path
}

/// The whole subtrees that a range consists of, from the left.
fn perfect(range: Range<u64>) -> Vec<Node> {
    let (mut start, mut nodes) = (range.start, Vec::new());
    while start < range.end {
        let level = (range.end - start).ilog2();
        nodes.push(Node { level, index: start >> level });
        start += 1 << level;
    }
    nodes
}

fn hash(range: Range<u64>, tiles: &HashMap<Tile, Vec<Hash>>) -> Option<Hash> {
    let mut nodes = perfect(range).into_iter().rev().map(|node| node.hash(tiles));
    let last = nodes.next()??;
    nodes.try_fold(last, |right, left| Some(parent(&left?, &right)))
}

/// The largest power of two below this.
fn left_part(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    *Digest::of(&[&[1][..], left, right].concat()).as_bytes()
}

/// C2SP, "signed-note": the id of a log's key under the log's name, uncut; of an ECDSA key the hash of the key alone.
fn key_id(log: &TransparencyLog) -> Hash {
    let der = log.key().to_der();
    let kind = match log.key().kind() {
        KeyKind::Ed25519 => [&[1], &der[der.len() - 32..]].concat(),
        KeyKind::Rsa(_) => [b"\xffPKIX-RSA-PKCS#1v1.5", der].concat(),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => return *Digest::of(der).as_bytes(),
    };
    *Digest::of(&[log.origin().as_bytes(), b"\n", &kind].concat()).as_bytes()
}

fn b64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

const API: [&str; 2] = ["api", "v2"];
const CHECKPOINT: &str = "checkpoint";
/// Entries or hashes in a tile.
const WIDTH: u64 = 256;
/// More than any log has; it bounds how many tiles are asked for.
const MAX_SIZE: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(index: u64) -> Hash {
        *Digest::of(&index.to_be_bytes()).as_bytes()
    }

    /// RFC 6962, 2.1, by the book.
    fn root(range: Range<u64>) -> Hash {
        match range.end - range.start {
            1 => leaf(range.start),
            count => {
                let middle = range.start + left_part(count);
                parent(&root(range.start..middle), &root(middle..range.end))
            }
        }
    }

    fn tiles(size: u64) -> HashMap<Tile, Vec<Hash>> {
        let mut tiles = HashMap::new();
        for level in 0..3 {
            for node in 0..size >> (8 * level) {
                let hash = root(node << (8 * level)..(node + 1) << (8 * level));
                tiles.entry(Tile { level, index: node / WIDTH }).or_insert_with(Vec::new).push(hash);
            }
        }
        tiles
    }

    #[test]
    fn tiles_have_every_hash_on_the_way_to_the_root() {
        for size in [1, 2, 3, 7, 8, 255, 256, 257, 300, 1000] {
            let tiles = tiles(size);
            for index in [0, 1, size / 2, size - 1].into_iter().filter(|index| *index < size) {
                let siblings = siblings(index, size);
                let wanted: Vec<Hash> = siblings.iter().cloned().map(root).collect();
                let found: Vec<Hash> = siblings.into_iter().map(|range| hash(range, &tiles).unwrap()).collect();
                assert_eq!(found, wanted, "{index} of {size}");
            }
        }
    }

    #[test]
    fn whole_tiles_are_used_from_above() {
        let tiles = tiles(66_000);
        let range = 0..65_536;
        assert_eq!(perfect(range.clone())[0].tile(), Tile { level: 2, index: 0 });
        assert_eq!(hash(range.clone(), &tiles), Some(root(range)));
    }

    #[test]
    fn tile_that_is_too_short_has_no_hash() {
        let mut tiles = tiles(300);
        tiles.insert(Tile { level: 0, index: 1 }, vec![[0; 32]]);
        assert_eq!(hash(256..300, &tiles), None);
    }

    #[test]
    fn path_is_in_groups_of_three_and_says_how_full_a_tile_is() {
        let path = |index, of| tile_path("0".to_owned(), index, of).join("/");
        assert_eq!(path(0, 256), "tile/0/000");
        assert_eq!(path(0, 5), "tile/0/000.p/5");
        assert_eq!(path(67, 68 * 256), "tile/0/067");
        assert_eq!(path(1_234_067, 1_234_067 * 256 + 8), "tile/0/x001/x234/067.p/8");
    }
}
