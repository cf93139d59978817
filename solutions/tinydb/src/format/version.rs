//! The versions of the SST format.

use crate::error::Corruption;

/// How rows and blocks of an SST are encoded; the number stands in the SST's footer.
///
/// A version, once released, is readable for ever: DO NOT CHANGE THESE NUMBERS. A later version is
/// a new variant beside the old one, and the block decoder chooses by it.
///
/// SlateDB does the same: `SST_FORMAT_VERSION_LATEST` in `src/format/sst.rs`, with two row codecs
/// and two block builders in `src/format/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum FormatVersion {
    /// Rows share a prefix with the first key of their block; a block has one offset for each row.
    V1 = 1,
    /// Rows share a prefix with the row before; a block has an offset for every sixteenth row.
    V2 = 2,
}

impl FormatVersion {
    /// What [`FormatVersion::try_from`] accepts, for error messages.
    pub const KNOWN: &'static str = "versions 1 and 2";
}

impl From<FormatVersion> for u16 {
    fn from(version: FormatVersion) -> Self {
        version as u16
    }
}

impl TryFrom<u16> for FormatVersion {
    type Error = Corruption;

    fn try_from(number: u16) -> Result<Self, Corruption> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            found => Err(Corruption::UnknownVersion { found, known: Self::KNOWN }),
        }
    }
}
