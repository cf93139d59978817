//! What the Tab key offers.

use tinydb::DbBuilder;
use tinydb_cli::terminal::Completion;

fn completion(keys: &[&[u8]]) -> Completion {
    let db = DbBuilder::in_memory().build().unwrap();
    for key in keys {
        db.put(key, "").unwrap();
    }
    Completion { db }
}

#[track_caller]
fn check(completion: &Completion, line: &str, start: usize, expected: &[&str]) {
    assert_eq!(
        completion.candidates(line),
        (start, expected.iter().map(ToString::to_string).collect())
    );
}

#[test]
fn commands_are_offered_first() {
    let none = completion(&[]);
    check(&none, "st", 0, &["stats "]);
    check(&none, "  f", 2, &["flush ", "fill "]);
    check(&none, "help sc", 5, &["scan "]);
    check(&none, "trace d", 6, &["delete "]);
    check(&none, "frob", 0, &[]);
}

#[test]
fn keys_are_offered_where_a_key_belongs() {
    let fruit = completion(&[b"apple", b"avocado", b"two words"]);
    check(&fruit, "get a", 4, &["apple ", "avocado "]);
    check(&fruit, "trace get av", 10, &["avocado "]);
    check(&fruit, "put t", 4, &["\"two words\" "]);
    check(&fruit, "put apple a", 10, &[]);
    check(&fruit, "scan apple av", 11, &["avocado "]);
    check(&fruit, "get z", 4, &[]);
    check(&fruit, "frob a", 5, &[]);
}

#[test]
fn options_are_offered_where_there_are_some() {
    let none = completion(&[]);
    check(&none, "scan --", 5, &["--prefix ", "--limit "]);
    check(&none, "get --", 4, &[]);
}

#[test]
fn nothing_is_offered_within_quotes() {
    let fruit = completion(&[b"a b"]);
    check(&fruit, "get \"a ", 7, &[]);
    check(&fruit, "get \"a", 4, &[]);
    check(&fruit, r"get a\x", 4, &[]);
}

#[test]
fn no_more_keys_are_offered_than_can_be_read() {
    let keys: Vec<Vec<u8>> = (0..100).map(|number| format!("k{number:02}").into()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    assert_eq!(completion(&keys).candidates("get ").1.len(), 20);
}
