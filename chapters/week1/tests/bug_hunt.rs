//! Your tests for the bug hunt: `cargo course bughunt 1` runs them against planted bugs. The page *How this course
//! works* of the book says how to go about it, under *Hunt for bugs*.
//!
//! Two helpers to begin with; write the tests below them.
#![allow(dead_code, reason = "until your first test uses them")]

use week1::Result;
use week1::format::{Block, BlockBuilder, RowEntry};

/// A block of these rows, in this order, as it is read back.
fn block(rows: &[RowEntry]) -> Result<Block> {
    let mut builder = BlockBuilder::new(4096);
    for row in rows {
        assert!(builder.add(row)?, "a block of 4096 bytes has no room for {row:?}");
    }
    Ok(Block::decode(builder.finish()).expect("a block that was just built"))
}

/// The rows of a block.
fn rows(block: &Block) -> Vec<RowEntry> {
    let row = |number| block.row(number).expect("a whole row").expect("a row of the block");
    (0..block.row_count()).map(row).collect()
}
