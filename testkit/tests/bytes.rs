//! `assert_bytes` shows where bytes differ, so that a person can read it.

use std::panic::catch_unwind;

use testkit::assert_bytes;

/// What it says of bytes that differ.
fn said(actual: &'static [u8], expected: &'static [u8]) -> String {
    let panic =
        catch_unwind(|| assert_bytes(actual, expected, " (what)")).expect_err("they differ");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn text_is_shown_as_text_around_the_difference() {
    let said = said(b"0;1;2;3;4;5;6;7;8;9;10;11;13;12;14;", b"0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;");
    assert!(said.contains("differ at offset 27\n expected 35 bytes:\n"), "{said}");
    assert!(said.contains("…\";2;3;4;5;6;7;8;9;10;11;12;13;14;\"\n but found 35 bytes"), "{said}");
    assert!(said.ends_with("…\";2;3;4;5;6;7;8;9;10;11;13;12;14;\"\n (what)"), "{said}");
}

#[test]
fn a_text_that_ends_early_is_shown_to_its_end() {
    let said = said(b"", b"a,\"b\"\n");
    assert!(said.contains("  \"a,\\\"b\\\"\\n\"\n but found 0 bytes:\n  \"\"\n"), "{said}");
}

#[test]
fn other_bytes_are_shown_as_rows_with_offsets() {
    let said = said(&[1; 20], b"exactly 20 printable");
    assert!(said.contains("       0: 65 78 61"), "{said}");
    assert!(said.contains("      16: 01 01 01 01\n (what)"), "{said}");
}
