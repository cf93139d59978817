//! Where the checksums of a file are, so that a test can change bytes and make them right again.

use std::ops::Range;

use bytes::Bytes;
use tinydb::format::checksum::CHECKSUM_LEN;
use tinydb::storage::sst::FOOTER_LEN;
use tinydb::storage::wal::{self, RECORD_HEADER_LEN, RECORD_TRAILER_LEN};
use tinydb::storage::{Footer, SstIndex};

/// The stretches of a file that have a checksum right behind them.
pub fn sealed(path: &str, file: &Bytes) -> Vec<Range<usize>> {
    match path.split('/').next() {
        Some("manifest") => std::iter::once(0..file.len() - CHECKSUM_LEN).collect(),
        Some("sst") => sealed_in_sst(file),
        Some("wal") => sealed_in_log(file),
        _ => Vec::new(),
    }
}

fn sealed_in_sst(file: &Bytes) -> Vec<Range<usize>> {
    let footer_start = file.len() - FOOTER_LEN;
    let footer = Footer::decode(file.slice(footer_start..), file.len() as u64).expect("a footer");
    let (filter, index) = (footer.filter_offset as usize, footer.index_offset as usize);
    let section = file.slice(index..footer_start);
    let blocks = SstIndex::decode(section, footer.filter_offset).expect("an index").blocks;
    let starts = blocks.iter().map(|block| block.offset as usize);
    let ends = starts.clone().skip(1).chain([filter]);
    let mut sealed: Vec<_> = starts.zip(ends).map(|(start, end)| start..end).collect();
    sealed.extend([filter..index, index..footer_start]);
    sealed.retain(|section| !section.is_empty());
    sealed.iter_mut().for_each(|section| section.end -= CHECKSUM_LEN);
    sealed.push(footer_start..footer_start + 36);
    sealed
}

/// Of a segment, or of a part of one.
fn sealed_in_log(file: &Bytes) -> Vec<Range<usize>> {
    let mut sealed = Vec::new();
    let mut at = 0;
    if file.starts_with(&wal::MAGIC) {
        at = wal::HEADER_LEN;
        sealed.push(0..at - CHECKSUM_LEN);
    }
    while at < file.len() {
        let payload = at + RECORD_HEADER_LEN;
        let length: [u8; 8] = file[at..at + 8].try_into().expect("eight bytes");
        let end = payload + u64::from_be_bytes(length) as usize;
        sealed.extend([at..at + 8, payload..end]);
        at = end + RECORD_TRAILER_LEN;
    }
    sealed
}

/// Makes the checksum behind a stretch right.
pub fn seal(file: &mut [u8], stretch: &Range<usize>) {
    let checksum = crc32(&file[stretch.clone()]).to_be_bytes();
    file[stretch.end..stretch.end + CHECKSUM_LEN].copy_from_slice(&checksum);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sealed = bytes.into();
    tinydb::format::checksum::append_checksum(&mut sealed, 0);
    let checksum = sealed[bytes.len()..].try_into().expect("four bytes");
    u32::from_be_bytes(checksum)
}
