//! The file of a part: its name, and its bytes.
//!
//! ```text
//! +-------+-----------+--------+-------------+----------------------+----------+------+-------+--------+
//! | magic | part size | number | object size | last modified        | path len | path | bytes | CRC-32 |
//! | 8     | u64       | u64    | u64         | u64 s, u32 ns, since | u16      |      |       | of all |
//! |       |           |        |             | 1970                 |          |      |       | before |
//! +-------+-----------+--------+-------------+----------------------+----------+------+-------+--------+
//! ```
//!
//! A part file says of which object it is a part and where. So one that was cut short, flipped, or
//! copied under another's name is known from the file alone, and what a `head` answers is in each.
//!
//! Its name is the object's path with `+` for `/`, then `@`, the part size, `-` and the part's number
//! in at least nine digits: `sst+00000000000000000007.sst@262144-000000003`. No path has a `+` or `@`.
//!
//! SlateDB: `FsCacheEntry` in `src/cached_object_store/storage_fs.rs` names a part
//! `<path>/_part4mb-000000003`, without a header or a checksum, and keeps the head in a file of its own.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut, Bytes};

use super::part_index::PartKey;
use super::parts::bytes_of;
use super::{ObjectMeta, validate_path};

const MAGIC: &[u8; 8] = b"TDBPART1";

/// How long everything is but the path and the part's bytes.
const FIXED_LEN: usize = 8 + 8 + 8 + 8 + 8 + 4 + 2 + 4;

/// The longest path of an object whose parts are kept: with the rest, a file name has at most 255 bytes.
pub const MAX_PATH_LEN: usize = 200;

/// The bytes of an object's part, as they are in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The object.
    pub object: ObjectMeta,
    /// Its bytes.
    pub bytes: Bytes,
}

/// The name of a part's file.
pub fn file_name(key: &PartKey, part_size: u64) -> String {
    format!("{}@{part_size}-{:09}", key.path.replace('/', "+"), key.number)
}

/// The part whose file has this name, and its part size; `None` for a name that [`file_name`] does not
/// make.
pub fn parse_file_name(name: &str) -> Option<(PartKey, u64)> {
    let (path, rest) = name.split_once('@')?;
    let (part_size, number) = rest.split_once('-')?;
    let (part_size, number) = (part_size.parse().ok()?, number.parse().ok()?);
    let path = path.replace('+', "/");
    validate_path(&path).ok()?;
    let key = PartKey::new(path, number);
    (file_name(&key, part_size) == name).then_some((key, part_size))
}

/// How long the file of a part is, given how many of the object's bytes it holds.
pub fn file_len(path: &str, bytes: usize) -> usize {
    FIXED_LEN + path.len() + bytes
}

/// The file of part `number` of an object.
pub fn encode(object: &ObjectMeta, part_size: u64, number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(file_len(&object.path, bytes.len()));
    out.put_slice(MAGIC);
    out.put_u64(part_size);
    out.put_u64(number);
    out.put_u64(object.size);
    // Before 1970 is no time for an object; it comes back as 1970.
    let modified = object.last_modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    out.put_u64(modified.as_secs());
    out.put_u32(modified.subsec_nanos());
    // The cast is exact: a path has at most MAX_PATH_LEN bytes.
    out.put_u16(object.path.len() as u16);
    out.put_slice(object.path.as_bytes());
    out.put_slice(bytes);
    let checksum = crc32fast::hash(&out);
    out.put_u32(checksum);
    out
}

/// Reads the file of a part; `None` unless it is exactly that: whole, undamaged, and this part of this
/// object.
pub fn decode(mut file: Bytes, key: &PartKey, part_size: u64) -> Option<Part> {
    if file.len() < file_len(&key.path, 0) {
        return None;
    }
    let mut checksum = file.split_off(file.len() - size_of::<u32>());
    if checksum.get_u32() != crc32fast::hash(&file) {
        return None;
    }
    let is_this_part = file.split_to(MAGIC.len()) == MAGIC[..]
        && file.get_u64() == part_size
        && file.get_u64() == key.number;
    let (size, seconds, nanos) = (file.get_u64(), file.get_u64(), file.get_u32());
    let path_len = usize::from(file.get_u16());
    if !is_this_part || path_len != key.path.len() || file.split_to(path_len) != *key.path {
        return None;
    }
    let numbers = key.number..key.number.saturating_add(1);
    let Range { start, end } = bytes_of(&numbers, part_size, size);
    let modified = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos.into()))?;
    let last_modified = SystemTime::UNIX_EPOCH.checked_add(modified)?;
    let object = ObjectMeta { path: key.path.to_string(), size, last_modified };
    (file.len() as u64 == end - start).then_some(Part { object, bytes: file })
}
