//! Bytes that a person can read.

use std::fmt::Write;

/// Bytes as two hex digits each, with a blank between them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Compares bytes, and on a difference shows where it begins: text as text, and anything else as
/// rows of 16 bytes with their offsets.
///
/// # Panics
/// If they differ. `what` says what the bytes are and which rule they follow.
#[track_caller]
pub fn assert_bytes(actual: &[u8], expected: &[u8], what: &str) {
    if actual == expected {
        return;
    }
    let same = actual.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let both_are_text = is_text(actual) && is_text(expected);
    let shown =
        |bytes| if both_are_text { excerpt(bytes, same) } else { dump(bytes, same / 16 * 16) };
    panic!(
        "the bytes differ at offset {same}\n expected {} bytes:\n{} but found {} bytes:\n{}{what}",
        expected.len(),
        shown(expected),
        actual.len(),
        shown(actual)
    );
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

/// Some text around offset `at`, escaped.
fn excerpt(text: &[u8], at: usize) -> String {
    let (from, to) = (at.saturating_sub(24), text.len().min(at + 48));
    let before = if from > 0 { "…" } else { "" };
    let behind = if to < text.len() { "…" } else { "" };
    format!("  {before}\"{}\"{behind}\n", text[from..to].escape_ascii())
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
