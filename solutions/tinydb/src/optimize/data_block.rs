//! A stand-in.
use bytes::Bytes;

use crate::error::DecodeError;
use crate::format::{Block, FormatVersion};

/// A stand-in.
#[derive(Debug)]
pub enum DataBlock {
    /// Version 1.
    V1(Block, usize),
}

impl DataBlock {
    /// Decodes.
    pub fn decode(_version: FormatVersion, bytes: Bytes) -> Result<Self, DecodeError> {
        let size = bytes.len();
        Ok(Self::V1(Block::decode(bytes)?, size))
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        let Self::V1(_, size) = self;
        *size
    }
}
