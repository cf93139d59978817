//! An SST, as `tinydb::storage::sst` and `tinydb::format::block` document it.

use std::io;

use bytes::Bytes;
use tinydb::error::DecodeError;
use tinydb::format::checksum::{CHECKSUM_LEN, verify_checksum};
use tinydb::format::{Block, FormatVersion};
use tinydb::optimize::BlockV2;
use tinydb::optimize::block_v2::{RESTART_INTERVAL, RowPosition};
use tinydb::storage::sst::{FOOTER_LEN, Footer, SstIndex};

use super::part::{Part, Stop};
use super::row::{self, short};

/// What the engine calls a data block in errors.
const BLOCK: &str = "the data block";

/// Labels an SST. The footer and the index are read first, as the engine does; then everything is
/// labelled in the order of the file.
pub fn label(file: &mut Part<'_, '_>) -> io::Result<()> {
    let footer_start = file.remaining().saturating_sub(FOOTER_LEN);
    match read_footer(file.bytes(), footer_start) {
        Ok(footer) => label_sections(file, &footer, footer_start)?,
        Err(damage) => {
            file.damaged(damage);
            let why = "not read: where the sections are is written in the footer";
            file.part(footer_start, |sections| {
                sections.heading(1, format_args!("sections"))?;
                Ok(sections.unread(why)?)
            })?;
        }
    }
    file.part(FOOTER_LEN, label_footer)
}

fn read_footer(contents: &Bytes, start: usize) -> Result<Footer, DecodeError> {
    Footer::decode(contents.slice(start..), contents.len() as u64)
        .map_err(|damage| damage.shifted(start as u64))
}

fn label_sections(file: &mut Part<'_, '_>, footer: &Footer, footer_start: usize) -> io::Result<()> {
    // Exact, since the footer was checked: the offsets lie within the file.
    let (data_end, index_start) = (footer.filter_offset as usize, footer.index_offset as usize);
    let index = file.bytes().slice(index_start..footer_start);
    match SstIndex::decode(index, footer.filter_offset) {
        Ok(index) => {
            let starts = index.blocks.iter().map(|block| block.offset as usize).skip(1);
            for (number, end) in starts.chain([data_end]).enumerate() {
                let len = end.saturating_sub(file.offset());
                file.heading(1, format_args!("data block {number}, {len} bytes"))?;
                file.part(len, |block| label_block(block, footer.version))?;
            }
        }
        Err(damage) => {
            file.damaged(damage.shifted(index_start as u64));
            let why = "not read: where each begins is written in the index";
            file.part(data_end, |blocks| {
                blocks.heading(1, format_args!("data blocks"))?;
                Ok(blocks.unread(why)?)
            })?;
        }
    }
    if data_end < index_start {
        file.heading(1, format_args!("filter"))?;
        file.part(index_start - data_end, label_filter)?;
    }
    file.heading(1, format_args!("index"))?;
    file.part(footer_start - index_start, label_index)
}

fn label_block(block: &mut Part<'_, '_>, version: FormatVersion) -> Result<(), Stop> {
    let len = block.remaining().saturating_sub(CHECKSUM_LEN);
    // The engine looks at the checksum first, so its error is the one to tell. Whatever can be read is
    // labelled all the same.
    if let Err(damage) = verify_checksum(block.bytes().clone(), BLOCK) {
        block.damaged(damage);
    }
    block.part(len, |rows| match version {
        FormatVersion::V1 => label_block_v1(rows),
        FormatVersion::V2 => label_block_v2(rows),
    })?;
    block.checksum("CRC-32", 0, BLOCK)
}

fn label_block_v1(part: &mut Part<'_, '_>) -> Result<(), Stop> {
    let block = Block::decode(part.bytes().clone())?;
    for number in 0..block.row_count() {
        if let Some(row) = block.row(number)? {
            row::label(part, number, &row)?;
        }
    }
    part.heading(2, format_args!("where the rows begin"))?;
    for _ in 0..block.row_count() {
        part.number::<2>("offset")?;
    }
    part.number::<2>("row count")?;
    Ok(())
}

fn label_block_v2(part: &mut Part<'_, '_>) -> Result<(), Stop> {
    let block = BlockV2::decode(part.bytes().clone())?;
    let mut position = RowPosition::default();
    while let Some(row) = block.next_row(&mut position)? {
        row::label_v2(part, position.number - 1, &row)?;
    }
    part.heading(2, format_args!("where every sixteenth row begins"))?;
    for _ in 0..block.row_count().div_ceil(RESTART_INTERVAL) {
        part.number::<2>("restart")?;
    }
    part.number::<2>("row count")?;
    Ok(())
}

fn label_filter(filter: &mut Part<'_, '_>) -> Result<(), Stop> {
    filter.field(filter.remaining().saturating_sub(CHECKSUM_LEN), "filter", |_| String::new())?;
    filter.checksum("CRC-32", 0, "the filter")
}

fn label_index(index: &mut Part<'_, '_>) -> Result<(), Stop> {
    let len = index.remaining().saturating_sub(CHECKSUM_LEN);
    index.part(len, |fields| {
        for number in 0..fields.number::<4>("block count")? {
            fields.heading(2, format_args!("block {number}"))?;
            fields.number::<8>("offset")?;
            label_key(fields, "first key")?;
        }
        fields.heading(2, format_args!("the last row"))?;
        label_key(fields, "last key")
    })?;
    index.checksum("CRC-32", 0, "the index")
}

fn label_key(fields: &mut Part<'_, '_>, name: &'static str) -> Result<(), Stop> {
    let len = fields.number::<2>("length")?;
    // Exact: it was two bytes.
    fields.field(len as usize, name, short)?;
    Ok(())
}

fn label_footer(footer: &mut Part<'_, '_>) -> Result<(), Stop> {
    footer.heading(1, format_args!("footer"))?;
    footer.number::<8>("filter offset")?;
    footer.number::<8>("index offset")?;
    footer.number::<8>("row count")?;
    footer.number::<8>("max seq")?;
    footer.number::<2>("version")?;
    footer.number::<2>("flags")?;
    footer.checksum("CRC-32", 0, "the footer")?;
    footer.field(8, "magic", short)?;
    Ok(())
}
