//! Reading fields off a slice of bytes without ever reading past its end.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Corruption, DecodeError};

/// A position in a slice of bytes. Each `take_` method returns the field at the position and moves
/// behind it, or says which field was missing where.
///
/// `Bytes` shares its memory, so what [`Cursor::take_bytes`] returns is not a copy. The cursor itself only
/// borrows the slice: to make one costs nothing, not even a count of who shares the memory.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    input: &'a Bytes,
    offset: usize,
    /// Where the fields end: in the input, or at its end.
    end: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `input`.
    pub fn new(input: &'a Bytes) -> Self {
        Self::starting_at(input, 0)
    }

    /// A cursor `offset` bytes into `input`, or at its end if that comes first.
    pub fn starting_at(input: &'a Bytes, offset: usize) -> Self {
        let end = input.len();
        Self { input, offset: offset.min(end), end }
    }

    /// Moves to the start of `range`, which lies in the input, and ends at its end.
    pub fn move_to(&mut self, range: Range<usize>) {
        self.end = range.end.min(self.input.len());
        self.offset = range.start.min(self.end);
    }

    /// Bytes from the start of the input to the position.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.end - self.offset
    }

    /// Takes `length` bytes. `what` names the field in the error when fewer are left; nothing is
    /// allocated for a length that the input can't hold.
    pub fn take_bytes(&mut self, length: usize, what: &'static str) -> Result<Bytes, DecodeError> {
        let start = self.offset;
        self.take_slice(length, what)?;
        Ok(self.input.slice(start..self.offset))
    }

    /// Takes `length` bytes to look at. That is cheaper than [`Cursor::take_bytes`], whose answer may
    /// be kept.
    #[inline]
    pub fn take_slice(
        &mut self,
        length: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        if length > self.remaining() {
            return Err(self.missing(length, what));
        }
        let start = self.offset;
        self.offset += length;
        Ok(&self.input[start..self.offset])
    }

    /// Takes one byte.
    #[inline]
    pub fn take_u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.take_array(what)?))
    }

    /// Takes a big-endian `u16`.
    pub fn take_u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.take_array(what)?))
    }

    /// Takes a big-endian `u32`.
    pub fn take_u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.take_array(what)?))
    }

    /// Takes a big-endian `u64`.
    pub fn take_u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.take_array(what)?))
    }

    /// Takes `N` bytes as an array.
    pub fn take_array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take_slice(N, what)?);
        Ok(array)
    }

    // Apart from the rest, so that the methods above are short enough to be inlined.
    #[cold]
    fn missing(&self, needed: usize, what: &'static str) -> DecodeError {
        let (needed, available) = (needed as u64, self.remaining() as u64);
        DecodeError::new(self.offset, Corruption::Truncated { what, needed, available })
    }
}
