//! How keys and values are typed and printed.

use proptest::collection::vec;
use proptest::prelude::*;
use tinydb_cli::words::{Shortened, Shown, WordError, from_argument, split};

fn words(line: &str) -> Vec<Vec<u8>> {
    split(line.as_bytes()).unwrap().into_iter().map(|word| word.bytes).collect()
}

fn shown(bytes: &[u8]) -> String {
    Shown(bytes).to_string()
}

/// Bytes as they come in keys, among them those that mean something in a line.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(&b" \t\n\r\\\"'#-x0a\x00\x1b\x7f\xc3\xb6\xff"[..]);
    vec(prop_oneof![any::<u8>(), special], 0..20)
}

proptest! {
    #[test]
    fn what_is_printed_can_be_typed(keys in vec(any_bytes(), 0..5)) {
        let line = keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(" ");
        let words = split(line.as_bytes()).unwrap();
        prop_assert!(words.iter().all(|word| !word.is_option));
        let words: Vec<_> = words.into_iter().map(|word| word.bytes).collect();
        prop_assert_eq!(words, keys);
    }

    #[test]
    fn what_is_printed_can_be_an_argument(key in any_bytes()) {
        let word = from_argument(shown(&key).as_bytes()).unwrap();
        prop_assert_eq!(word.bytes, key);
        prop_assert!(!word.is_option);
    }

    #[test]
    fn what_is_printed_can_be_seen(key in any_bytes()) {
        let text = shown(&key);
        prop_assert!(!text.chars().any(char::is_control), "{}", text.escape_debug());
        let spaces = text.chars().filter(|char| char.is_whitespace());
        prop_assert!(spaces.clone().count() == 0 || text.starts_with('"'));
        prop_assert!(spaces.clone().all(|char| char == ' '));
    }

    #[test]
    fn no_line_makes_it_panic(line in any_bytes()) {
        let _ = split(&line);
        let _ = from_argument(&line);
    }

    #[test]
    fn shortening_keeps_what_is_short(key in any_bytes(), limit in 0..25_usize) {
        let text = Shortened { bytes: &key, limit }.to_string();
        if key.len() <= limit {
            prop_assert_eq!(text, shown(&key));
        } else {
            let end = format!("… ({} bytes)", key.len());
            prop_assert_eq!(text, shown(&key[..limit]) + &end);
        }
    }
}

#[test]
fn words_are_split_at_white_space() {
    assert_eq!(words(" put\tkey  value \r\n"), [&b"put"[..], b"key", b"value"]);
    assert_eq!(words(" \t "), Vec::<Vec<u8>>::new());
}

#[test]
fn quotes_hold_a_word_together() {
    assert_eq!(words(r#"put "two words" '' """#), [&b"put"[..], b"two words", b"", b""]);
    assert_eq!(words(r#"'no \n "here"'"#), [br#"no \n "here""#]);
}

#[test]
fn a_quote_within_a_plain_word_is_a_byte() {
    assert_eq!(words(r#"it's {"a":1}"#), [&b"it's"[..], br#"{"a":1}"#]);
}

#[test]
fn escapes_stand_for_bytes() {
    assert_eq!(
        words(r#"a\x00\xfF\n\r\t\\\"\'\#\ b "\x20\"""#),
        [&b"a\x00\xff\n\r\t\\\"'# b"[..], b" \""]
    );
}

#[test]
fn a_comment_begins_where_a_word_could() {
    assert_eq!(words("put a#b c # d \"e"), [&b"put"[..], b"a#b", b"c"]);
    assert_eq!(words(r##""#" \#"##), [b"#", b"#"]);
}

#[test]
fn only_a_plain_word_is_an_option() {
    let is_option = |line: &str| split(line.as_bytes()).unwrap()[0].is_option;
    assert!(is_option("--prefix"));
    assert!(!is_option(r#""--prefix""#));
    assert!(!is_option(r"\x2d-prefix"));
    assert!(!is_option("-1"));
}

#[test]
fn bytes_that_are_not_text_are_words_too() {
    assert_eq!(split(b"a\xff \xfe").unwrap()[0].bytes, b"a\xff");
}

#[test]
fn a_word_that_is_typed_wrongly_is_refused() {
    let cases = [
        (r#""open"#, WordError::Unclosed('"')),
        ("'open", WordError::Unclosed('\'')),
        (r#""a"b"#, WordError::Glued('"')),
        (r"a\q", WordError::UnknownEscape('q')),
        (r"\ö", WordError::UnknownEscape('ö')),
        (r"a\", WordError::EndsInBackslash),
        (r#""a\"#, WordError::EndsInBackslash),
        (r"\x", WordError::NoHex),
        (r"\x1", WordError::NoHex),
        (r"\x1g", WordError::NoHex),
    ];
    for (line, expected) in cases {
        assert_eq!(split(line.as_bytes()), Err(expected), "{line}");
    }
}

#[test]
fn an_error_sends_nothing_to_the_terminal_but_what_can_be_seen() {
    let error = split(b"\\\x1b[2J").unwrap_err().to_string();
    assert!(error.starts_with(r"\\u{1b} is no escape"), "{error}");
}

#[test]
fn an_argument_is_one_word() {
    let bytes = |argument: &str| from_argument(argument.as_bytes()).unwrap().bytes;
    assert_eq!(bytes("two words # no comment"), b"two words # no comment");
    assert_eq!(bytes(r"\x00"), b"\0");
    assert_eq!(bytes(r#""two words""#), b"two words");
    assert_eq!(bytes(""), b"");
    assert_eq!(from_argument(br#""a" b"#), Err(WordError::Glued('"')));
}

#[test]
fn bytes_are_printed_as_plainly_as_can_be() {
    let cases: [(&[u8], &str); 10] = [
        (b"apple", "apple"),
        ("Köln".as_bytes(), "Köln"),
        (b"", r#""""#),
        (b"two words", r#""two words""#),
        (b"it's", "it's"),
        (b"#1", r##""#1""##),
        (b"--limit", r#""--limit""#),
        (b"a\0\n\\\"\xff", r#""a\x00\n\\\"\xff""#),
        ("\u{202e}\u{a0}".as_bytes(), r#""\xe2\x80\xae\xc2\xa0""#),
        (b"(not found)", r#""(not found)""#),
    ];
    for (bytes, expected) in cases {
        assert_eq!(shown(bytes), expected);
    }
}
