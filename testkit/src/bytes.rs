//! Bytes that a person can read.

use std::fmt::Write;

/// Bytes as two hex digits each, with a blank between them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Compares bytes, and on a difference shows both as rows of 16 with their offsets, from the first
/// row that differs.
///
/// # Panics
/// If they differ. `what` says what the bytes are and which rule they follow.
#[track_caller]
pub fn assert_bytes(actual: &[u8], expected: &[u8], what: &str) {
    if actual == expected {
        return;
    }
    let same = actual.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let from = same / 16 * 16;
    panic!(
        "the bytes differ at offset {same}\n expected {} bytes:\n{} but found {} bytes:\n{}{what}",
        expected.len(),
        dump(expected, from),
        actual.len(),
        dump(actual, from)
    );
}

/// At most six rows of 16 bytes, starting at offset `from`.
fn dump(bytes: &[u8], from: usize) -> String {
    let mut text = String::new();
    let rows = bytes.get(from..).unwrap_or_default().chunks(16);
    for (number, row) in rows.take(6).enumerate() {
        let offset = from + number * 16;
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {offset:6}: {}", hex(row));
    }
    text
}
