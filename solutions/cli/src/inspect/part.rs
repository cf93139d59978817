//! Walking over bytes, so that each is labelled once.

use std::fmt;
use std::io;

use bytes::Bytes;
use tinydb::error::DecodeError;
use tinydb::format::checksum::{CHECKSUM_LEN, verify_checksum};
use tinydb::format::cursor::Cursor;
use tinydb::optimize::varint::{decode_varint, varint_len};

/// Bytes with a name.
#[derive(Debug)]
pub struct Field<'a> {
    /// Bytes from the start of the file to the field.
    pub offset: usize,
    /// The bytes; never none.
    pub bytes: &'a [u8],
    /// What the field is called in the documentation of the format.
    pub name: &'a str,
    /// What it holds.
    pub meaning: &'a str,
    /// Whether that is wrong, or can't be known.
    pub wrong: bool,
}

/// Where labelled bytes go: in the order of the file, without a gap.
pub trait Sink {
    /// What the fields that follow belong to. 0 is the outermost `level`.
    fn heading(&mut self, level: usize, text: fmt::Arguments<'_>) -> io::Result<()>;
    /// The next field.
    fn field(&mut self, field: &Field<'_>) -> io::Result<()>;
}

/// Where labels go, and the first damage that was found.
pub struct Dump<'a> {
    sink: &'a mut dyn Sink,
    damage: Option<DecodeError>,
}

impl<'a> Dump<'a> {
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, damage: None }
    }

    pub fn heading(&mut self, level: usize, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.sink.heading(level, text)
    }

    pub fn into_damage(self) -> Option<DecodeError> {
        self.damage
    }
}

/// Why the labelling of a part ends before its end.
#[derive(Debug)]
pub enum Stop {
    /// The part is damaged. The offset counts from the part's start.
    Damage(DecodeError),
    /// The rest can't be read, for a reason that was told already.
    Unreadable,
    /// The labels could not be written.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<DecodeError> for Stop {
    fn from(damage: DecodeError) -> Self {
        Self::Damage(damage)
    }
}

/// A stretch of the file that is labelled from its start to its end.
pub struct Part<'a, 'b> {
    bytes: Bytes,
    /// Bytes from the part's start to the next one without a label.
    offset: usize,
    /// Bytes from the start of the file to the part.
    base: usize,
    dump: &'a mut Dump<'b>,
}

impl<'a, 'b> Part<'a, 'b> {
    /// The whole file.
    pub fn whole(contents: Bytes, dump: &'a mut Dump<'b>) -> Self {
        Self { bytes: contents, offset: 0, base: 0, dump }
    }

    /// The bytes of the part, labelled or not.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Bytes from the part's start to the next one without a label.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes have no label yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The bytes without a label.
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.offset()..)
    }

    /// Says what follows.
    pub fn heading(&mut self, level: usize, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.dump.heading(level, text)
    }

    /// Notes damage, at an offset from the part's start. Only the first is kept.
    pub fn damaged(&mut self, damage: DecodeError) {
        self.dump.damage.get_or_insert(damage.shifted(self.base as u64));
    }

    /// Labels the next `len` bytes, or what is left of the part, as a part of its own. Damage in it
    /// does not end the labelling of what stands behind it. Every byte gets a label, whatever `label` does.
    pub fn part(
        &mut self,
        len: usize,
        label: impl FnOnce(&mut Part<'_, 'b>) -> Result<(), Stop>,
    ) -> io::Result<()> {
        let base = self.base + self.offset();
        let bytes = self.take_raw(len.min(self.remaining()));
        let mut part = Part { bytes, offset: 0, base, dump: &mut *self.dump };
        match label(&mut part) {
            Ok(()) | Err(Stop::Unreadable) => {}
            Err(Stop::Damage(damage)) => part.damaged(damage),
            Err(Stop::Output(error)) => return Err(error),
        }
        part.unread("not read")
    }

    /// Labels everything that is left, if anything is, as bytes that are not understood.
    pub fn unread(&mut self, why: &str) -> io::Result<()> {
        self.rest_as("-", why, true)
    }

    /// Labels everything that is left, if anything is, as one field.
    pub fn rest_as(&mut self, name: &str, meaning: &str, wrong: bool) -> io::Result<()> {
        let offset = self.base + self.offset();
        let bytes = self.take_raw(self.remaining());
        if bytes.is_empty() {
            return Ok(());
        }
        self.dump.sink.field(&Field { offset, bytes: &bytes, name, meaning, wrong })
    }

    /// Labels the next `len` bytes as a field.
    pub fn field(
        &mut self,
        len: usize,
        name: &'static str,
        meaning: impl FnOnce(&[u8]) -> String,
    ) -> Result<Bytes, Stop> {
        self.field_that(len, name, |bytes| (meaning(bytes), false))
    }

    /// Labels the next `len` bytes as a field that `meaning` may find to be wrong.
    pub fn field_that(
        &mut self,
        len: usize,
        name: &'static str,
        meaning: impl FnOnce(&[u8]) -> (String, bool),
    ) -> Result<Bytes, Stop> {
        let offset = self.base + self.offset();
        let bytes = self.take(len, name)?;
        if !bytes.is_empty() {
            let (meaning, wrong) = &meaning(&bytes);
            self.dump.sink.field(&Field { offset, bytes: &bytes, name, meaning, wrong: *wrong })?;
        }
        Ok(bytes)
    }

    /// Labels the next bytes as a number; big-endian, as every number is.
    pub fn number<const LEN: usize>(&mut self, name: &'static str) -> Result<u64, Stop> {
        self.number_with::<LEN>(name, |number| number.to_string())
    }

    /// Labels the next bytes as a number that is more than its digits.
    pub fn number_with<const LEN: usize>(
        &mut self,
        name: &'static str,
        meaning: impl FnOnce(u64) -> String,
    ) -> Result<u64, Stop> {
        let value = |bytes: &[u8]| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let bytes = self.field(LEN, name, |bytes| meaning(value(bytes)))?;
        Ok(value(&bytes))
    }

    /// Labels the next bytes as a varint.
    pub fn varint(&mut self, name: &'static str) -> Result<usize, Stop> {
        let value = decode_varint(&mut Cursor::starting_at(&self.bytes, self.offset), name)?;
        self.field(varint_len(value), name, |_| value.to_string())?;
        // Exact: no machine that this runs on has smaller addresses.
        Ok(value as usize)
    }

    /// Labels the next bytes as the checksum of the part's bytes from `start` to here; `what` names
    /// them in the error.
    pub fn checksum(
        &mut self,
        name: &'static str,
        start: usize,
        what: &'static str,
    ) -> Result<(), Stop> {
        let offset = self.offset();
        let stored = self.take(CHECKSUM_LEN, name)?;
        let verified = verify_checksum(self.bytes.slice(start..offset + CHECKSUM_LEN), what);
        let wrong = verified.is_err();
        let meaning = if wrong { "wrong" } else { "ok" };
        let offset = self.base + offset;
        self.dump.sink.field(&Field { offset, bytes: &stored, name, meaning, wrong })?;
        if let Err(damage) = verified {
            self.damaged(damage.shifted(start as u64));
        }
        Ok(())
    }

    /// Takes bytes that are known to be there.
    fn take_raw(&mut self, len: usize) -> Bytes {
        self.take(len, "bytes").unwrap_or_default()
    }

    /// Takes bytes, or says which field was missing where.
    fn take(&mut self, len: usize, name: &'static str) -> Result<Bytes, DecodeError> {
        let mut cursor = Cursor::starting_at(&self.bytes, self.offset);
        let bytes = cursor.take_bytes(len, name)?;
        self.offset = cursor.offset();
        Ok(bytes)
    }
}
