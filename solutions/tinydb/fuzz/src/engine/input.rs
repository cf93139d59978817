//! Takes apart what a fuzzer made up.

use tinydb::Error;
use tinydb::error::DecodeError;
use tinydb::format::FormatVersion;

/// Bytes that steer a check, taken from the front; there is always a next one.
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of a fuzzer's bytes.
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next byte; 0 at the end.
    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// So many bytes, or those that are left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A short run of bytes, its length in front.
    pub fn key(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.bytes(length.into())
    }

    /// A number of the engine's, small ones as likely as large ones.
    pub fn number(&mut self) -> u64 {
        let mut number = [0; 8];
        let length = self.byte() % 9;
        let bytes = self.bytes(length.into());
        number[8 - bytes.len()..].copy_from_slice(bytes);
        u64::from_be_bytes(number)
    }

    /// One of the two versions.
    pub fn version(&mut self) -> FormatVersion {
        if self.byte().is_multiple_of(2) { FormatVersion::V1 } else { FormatVersion::V2 }
    }

    /// Whether anything is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}

/// An error has to point into the bytes that it is about, or right behind them.
pub fn assert_within(error: &DecodeError, len: usize) {
    assert!(error.offset <= len as u64, "{error}: the input has only {len} bytes");
    assert!(!error.to_string().is_empty());
}

/// What a damaged file has to be refused with: its name, and a place in it.
pub fn assert_corrupt(error: &Error, name: &str, len: usize) {
    match error {
        Error::Corrupt { file, offset, .. } if file == name && *offset <= len as u64 => {}
        other => panic!("{name} has {len} bytes, and the error does not point into it: {other}"),
    }
}
