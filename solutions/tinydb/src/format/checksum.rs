//! CRC-32 checksums around a run of bytes.
//!
//! ```text
//! +-----------------+----------------+
//! | body            | u32 CRC-32     |
//! | any length      | of the body    |
//! +-----------------+----------------+
//! ```
//!
//! The polynomial is that of Ethernet and zip (IEEE 802.3), from the crate `crc32fast`. A CRC-32
//! finds every error of up to 32 bits in a row; it protects against decay, not against an attacker.
//!
//! SlateDB appends the same checksum to every block: `compress_and_transform` in
//! `src/format/sst.rs`.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{Corruption, DecodeError};

/// How many bytes a checksum takes.
pub const CHECKSUM_LEN: usize = size_of::<u32>();

/// Appends the checksum of `buffer[start..]` to `buffer`.
///
/// # Panics
/// If `start` is past the buffer's end.
pub fn append_checksum(buffer: &mut BytesMut, start: usize) {
    let checksum = crc32fast::hash(&buffer[start..]);
    buffer.put_u32(checksum);
}

/// Splits the checksum off the end of `bytes`, compares it, and returns the body.
///
/// `what` names the bytes in the error, whose offset is that of the checksum.
pub fn verify_checksum(mut bytes: Bytes, what: &'static str) -> Result<Bytes, DecodeError> {
    let Some(body_len) = bytes.len().checked_sub(CHECKSUM_LEN) else {
        let available = bytes.len() as u64;
        let needed = CHECKSUM_LEN as u64;
        return Err(DecodeError::new(0, Corruption::Truncated { what, needed, available }));
    };
    let mut stored = [0; CHECKSUM_LEN];
    stored.copy_from_slice(&bytes.split_off(body_len));
    let (stored, computed) = (u32::from_be_bytes(stored), crc32fast::hash(&bytes));
    if stored != computed {
        let corruption = Corruption::ChecksumMismatch { what, stored, computed };
        return Err(DecodeError::new(body_len, corruption));
    }
    Ok(bytes)
}
