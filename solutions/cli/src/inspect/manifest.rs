//! A manifest, as `tinydb::db::manifest` documents it.

use std::io;

use tinydb::db::Manifest;
use tinydb::db::manifest::VERSION;
use tinydb::format::checksum::CHECKSUM_LEN;

use super::part::{Part, Stop};
use super::row::short;

/// Labels a manifest.
pub fn label(file: &mut Part<'_, '_>) -> io::Result<()> {
    if let Err(damage) = Manifest::decode(file.bytes().clone()) {
        file.damaged(damage);
    }
    let len = file.remaining();
    file.part(len, |file| {
        let fields_len = len.saturating_sub(CHECKSUM_LEN);
        file.part(fields_len, label_fields)?;
        file.checksum("CRC-32", 0, "the manifest")
    })
}

fn label_fields(fields: &mut Part<'_, '_>) -> Result<(), Stop> {
    fields.heading(1, format_args!("fields"))?;
    fields.field(8, "magic", short)?;
    if fields.number::<2>("version")? != u64::from(VERSION) {
        return Err(Stop::Unreadable);
    }
    fields.number::<2>("zero")?;
    fields.number::<8>("writer epoch")?;
    fields.number::<8>("next SST id")?;
    fields.number::<8>("replay after WAL")?;
    fields.number::<8>("last L0 seq")?;
    fields.heading(1, format_args!("level 0, newest first"))?;
    label_ids(fields, "L0 count")?;
    fields.heading(1, format_args!("sorted runs, newest first"))?;
    for _ in 0..fields.number::<4>("run count")? {
        fields.number::<4>("run id")?;
        label_ids(fields, "SST count")?;
    }
    Ok(())
}

fn label_ids(fields: &mut Part<'_, '_>, name: &'static str) -> Result<(), Stop> {
    for _ in 0..fields.number::<4>(name)? {
        fields.number::<8>("SST id")?;
    }
    Ok(())
}
