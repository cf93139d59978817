//! Gate `slatedb` and `cargo course slatedb`: each way in which the course can name what SlateDB does not have.

use std::process::{Command, Output};

use course::citation::{Citation, Cited, in_comments, in_page};
use course::crates::items_of;
use course::gate::compare;

use crate::fixture::{Fixture, assert_found};

const PAGE: &str = "book/src/week1/list.md";
const LIST: &str = "book/slatedb.toml";
const ENGINE: &str = "solutions/tinydb/src/error.rs";

/// What the gate finds with this text at the end of a page.
fn with_page(more: &str) -> Vec<String> {
    Fixture::new().append(PAGE, &format!("\n{more}\n")).findings("slatedb")
}

/// What the gate finds with one text of the list replaced.
fn with_list(old: &str, new: &str) -> Vec<String> {
    Fixture::new().replace(LIST, old, new).findings("slatedb")
}

#[test]
fn a_wrong_item_is_found_with_what_is_like_it() {
    let fixture = Fixture::new();
    fixture.replace(PAGE, "`Db::put`", "`Db::putt`");
    let findings = fixture.findings("slatedb");
    assert_found(
        &findings,
        &[
            "list.md:31: book/slatedb.toml does not list `Db::putt` in `src/db.rs`",
            "Similar: `Db::put`",
        ],
    );
    // Now nothing names it.
    assert_found(&findings, &["slatedb.toml:5: nothing names `Db::put` in `src/db.rs`"]);
    assert_eq!(findings.len(), 2, "{findings:#?}");
}

#[test]
fn an_item_of_another_file_is_found_with_that_file() {
    let findings = with_page("See `DbRand` in `src/db.rs`.");
    assert_found(
        &findings,
        &["list.md:36: ", "`DbRand` in `src/db.rs`", "It lists `DbRand` in `src/rand.rs`"],
    );
}

#[test]
fn a_wrong_file_is_told_once() {
    let findings = with_page("See `Db` and `Db::put` in `src/bd.rs`.");
    assert_found(
        &findings,
        &["list.md:36: ", "does not list `src/bd.rs` of slatedb 0.18.0", "Similar: `src/db.rs`"],
    );
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn a_file_of_another_crate_is_found() {
    let findings = with_page("See `Db` in `slatedb-common`, `src/db.rs`.");
    assert_found(&findings, &["does not list `src/db.rs` of slatedb-common 0.18.0"]);
    assert_found(
        &with_page("See `slatedb-dst/src/db.rs`."),
        &["`src/db.rs` of slatedb-dst 0.18.0"],
    );
}

#[test]
fn a_comment_of_the_engine_is_read() {
    let fixture = Fixture::new();
    fixture.append(
        ENGINE,
        "\n/// Tells.\n///\n/// SlateDB: `Db::tell` in\n/// `src/db.rs`.\npub fn tell() {}\n",
    );
    assert_found(&fixture.findings("slatedb"), &["src/error.rs:9: ", "`Db::tell` in `src/db.rs`"]);
    for other in ["testkit/src/lib.rs", "chapters/week1/tests/my_tests.rs", "solutions/s3/src/a.rs"]
    {
        let fixture = Fixture::new();
        fixture.write(other, "// As `Other` in `src/db.rs`.\n");
        assert_found(
            &fixture.findings("slatedb"),
            &[&format!("{other}:1: "), "`Other` in `src/db.rs`"],
        );
    }
}

#[test]
fn answers_quotes_and_tables_are_read() {
    for text in [
        "<details class=\"answer\">\n<summary>Answer</summary>\n\nAs `Other` in `src/db.rs` does.\n\n</details>",
        "> As `Other` in `src/db.rs` does.",
        "| a | b |\n|---|---|\n| `Other` | `src/db.rs` |",
        "| a | b |\n|---|---|\n| `src/db.rs` | `Db`, `Other` |",
        "| a | b |\n|---|---|\n| `List` | `Other` in `src/db.rs` |",
        "<table><tr><td><code>Other</code> in <code>src/db.rs</code></td></tr></table>",
    ] {
        assert_found(&with_page(text), &["list.md:", "`Other` in `src/db.rs`"]);
    }
}

#[test]
fn what_nothing_names_is_found() {
    assert_found(
        &with_list("\"Db::put\"]", "\"Db::put\", \"Db::get\"]\n\"src/iter.rs\" = []"),
        &["slatedb.toml:5: nothing names `Db::get` in `src/db.rs`: take it out"],
    );
    assert_found(
        &with_list("[files.slatedb]\n", "[files.slatedb]\n\"src/iter.rs\" = []\n"),
        &["slatedb.toml:5: nothing names `src/iter.rs`: take it out"],
    );
    assert_found(
        &with_list("[\"other_crate::Random\"]", "[\"other_crate::Random\", \"Arc\"]"),
        &["slatedb.toml:2: nothing names `Arc` beside SlateDB"],
    );
    assert_found(
        &with_list("\"Db\",", "\"Db\", \"Db\","),
        &["slatedb.toml:5: `Db` is listed twice"],
    );
}

#[test]
fn a_name_without_a_file_is_listed_or_tinydbs_own() {
    for known in
        ["`put`", "`Db::put(key)`", "`List::add`", "`START`", "`other_crate::Random`", "`list.rs`"]
    {
        assert_eq!(with_page(&format!("SlateDB has {known}.")), [""; 0], "{known}");
    }
    for unknown in ["`DbRandd`", "`last_seq`", "`List::tell`"] {
        let findings = with_page(&format!("SlateDB has {unknown}."));
        assert_found(&findings, &[&format!("list.md:36: {unknown} is named beside SlateDB")]);
    }
    assert_found(&with_page("SlateDB has `DbRandd`."), &["Similar: `DbRand`"]);
    assert_found(&with_page("SlateDB has `iter.rs`."), &["`iter.rs` is named beside SlateDB"]);
    assert_eq!(with_page("Some other text has `last_seq`."), [""; 0]);
}

#[test]
fn code_that_is_shown_is_not_read() {
    assert_eq!(with_page("```text\n`Other` in `src/none.rs` of SlateDB\n```"), [""; 0]);
}

#[test]
fn another_version_is_found() {
    let fixture = Fixture::new();
    fixture.replace(PAGE, "version 0.18.0", "version 0.17.2");
    assert_found(
        &fixture.findings("slatedb"),
        &["list.md:29: this is about version 0.17.2; book/slatedb.toml pins 0.18.0"],
    );
    let manifest = "solutions/compare/Cargo.toml";
    for (version, wrong) in
        [("\"=0.18.0\"", false), ("\"0.18\"", true), ("{ version = \"=0.17.2\" }", true)]
    {
        let fixture = Fixture::new();
        fixture.write(manifest, &format!("[dependencies]\nslatedb = {version}\n"));
        assert_eq!(!fixture.findings("slatedb").is_empty(), wrong, "{version}");
    }
}

#[test]
fn a_list_that_is_missing_or_malformed_is_found() {
    let fixture = Fixture::new();
    fixture.remove(LIST);
    assert_found(&fixture.findings("slatedb"), &["book/slatedb.toml: missing"]);
    assert_found(&with_list("version =", "versions ="), &["book/slatedb.toml:1: unknown field"]);
    let fixture = Fixture::new();
    fixture.write(PAGE, "# The list\n").write(LIST, "version = \"0.18.0\"\n");
    assert_found(&fixture.findings("slatedb"), &["no page names a file of SlateDB"]);
}

/// What citations come to: `FILE`, `FILE: ITEM`, `?ITEM` without a file, `!` if unclear.
fn told(citations: Vec<Citation>) -> Vec<String> {
    let mut told: Vec<String> = citations
        .into_iter()
        .filter_map(|citation| match citation.what {
            Cited::File(_) | Cited::Version(_) => None,
            Cited::Item(place, item) => Some(format!("{}/{}: {item}", place.of, place.path)),
            Cited::LooseItem(name) | Cited::LooseFile(name) => Some(format!("?{name}")),
            Cited::Unclear(_) => Some("!".to_owned()),
        })
        .collect();
    told.sort();
    told
}

#[test]
fn each_form_is_understood() {
    for (text, expected) in [
        ("`A` in `src/a.rs`", &["slatedb/src/a.rs: A"][..]),
        ("`A` of\n`src/a.rs`", &["slatedb/src/a.rs: A"]),
        ("`A` (`src/a.rs`)", &["slatedb/src/a.rs: A"]),
        ("(`A` in `src/a.rs`)", &["slatedb/src/a.rs: A"]),
        ("[`A`](https://a.example) in `src/a.rs`", &["slatedb/src/a.rs: A"]),
        (
            "`A`, `B::b()` and `c` in `src/a.rs`",
            &["slatedb/src/a.rs: A", "slatedb/src/a.rs: B::b", "slatedb/src/a.rs: c"],
        ),
        (
            "`A` in `src/a.rs`, and `B<T>` in `src/b.rs`",
            &["slatedb/src/a.rs: A", "slatedb/src/b.rs: B"],
        ),
        (
            "`A` in `src/a.rs`. `B` in the same file",
            &["slatedb/src/a.rs: A", "slatedb/src/a.rs: B"],
        ),
        ("`A` in `slatedb-x`, `src/a.rs`", &["slatedb-x/src/a.rs: A"]),
        ("`A` in the crate `slatedb-x` (`src/a.rs`)", &["slatedb-x/src/a.rs: A"]),
        ("`A` in `slatedb-x/src/a.rs`", &["slatedb-x/src/a.rs: A"]),
        ("- `src/a.rs`: `A`, `B.b` and more", &["slatedb/src/a.rs: A", "slatedb/src/a.rs: B::b"]),
        ("| `T` | `A` | `src/a.rs` | `U` |", &["?T", "?U", "slatedb/src/a.rs: A"]),
        (
            "| `src/a.rs` | `A` |\n| `src/b.rs` | `b` |",
            &["slatedb/src/a.rs: A", "slatedb/src/b.rs: b"],
        ),
        ("the end of `src/a.rs`, `b_c` and `put`", &["?b_c"]),
        ("`src/a/` has `b.rs`", &["?b.rs"]),
        // What stands nowhere near SlateDB is not read.
        ("`A` in `b.rs`", &[]),
        ("SlateDB's ``b`c`` and `a b` and `1 < 2` and `-o` and `0.18.0`", &[]),
    ] {
        assert_eq!(told(in_page(text)), expected, "{text}");
    }
}

#[test]
fn what_is_unclear_is_refused() {
    for text in [
        "`a` in `A`, `src/a.rs`",
        "`100 ms` in `src/a.rs`",
        "`A` in the same file",
        "`src/a.rs:12`",
        "<div class=\"slatedb\">\n\nAll places are in the crate `slatedb`.\n\n</div>",
    ] {
        assert!(told(in_page(text)).contains(&"!".to_owned()), "{text}: {:?}", in_page(text));
    }
}

#[test]
fn a_box_ends_where_its_tag_ends() {
    let text = "<div class=\"slatedb\">\n<div>`A_a`</div>\n\n`B_b`\n</div>\n`C_c`\n";
    assert_eq!(told(in_page(text)), ["?A_a", "?B_b"]);
}

#[test]
fn only_comments_of_rust_are_read() {
    let text = "//! SlateDB: `A` in\n//! `src/a.rs`.\nconst X: &str = \"`B` in `src/a.rs`\";\n    // SlateDB: `c_d`.\n";
    assert_eq!(told(in_comments(text)), ["?c_d", "slatedb/src/a.rs: A"]);
}

/// A fixture with sources of SlateDB beside the course, and the command on it.
struct Sources {
    fixture: Fixture,
}

impl Sources {
    fn new() -> Self {
        let fixture = Fixture::new();
        fixture.write(
            "unpacked/slatedb-0.18.0/src/db.rs",
            "pub struct Db;\nimpl Db {\n    pub fn put(&self) {}\n    fn get_all(&self) {}\n}\n",
        );
        fixture.write("unpacked/slatedb-0.18.0/src/iter/row.rs", "struct Row {\n    key: u8,\n}\n");
        fixture.write("unpacked/slatedb-common-0.18.0/src/rand.rs", "pub struct DbRand;\n");
        Self { fixture }
    }

    fn compare(&self) -> Vec<String> {
        let folder = self.fixture.course.root.join("unpacked");
        compare(&self.fixture.course, Some(&folder)).expect("a comparison").findings
    }
}

#[test]
fn a_list_that_the_sources_bear_out_has_no_findings() {
    let sources = Sources::new();
    assert_eq!(sources.compare(), [""; 0]);
    let said = run(&sources.fixture, &["slatedb", "--sources", "unpacked"]);
    assert!(said.status.success());
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains(
            "book/slatedb.toml lists 3 items in 2 files of slatedb, slatedb-common, version 0.18.0."
        ),
        "{said}"
    );
}

#[test]
fn what_the_sources_do_not_have_is_found() {
    let sources = Sources::new();
    sources.fixture.replace(LIST, "\"Db::put\"", "\"Db::putt\", \"get_all\", \"Row\"");
    sources.fixture.replace(LIST, "src/rand.rs", "src/random.rs");
    let findings = sources.compare();
    assert_found(
        &findings,
        &["slatedb.toml:5: `src/db.rs` of slatedb 0.18.0 has no `Db::putt`.", "Similar: `Db::put`"],
    );
    assert_found(&findings, &["slatedb.toml:5: `get_all` is `Db::get_all` in `src/db.rs`"]);
    assert_found(&findings, &["has no `Row`. There is `Row` in `src/iter/row.rs`"]);
    assert_found(
        &findings,
        &[
            "slatedb.toml:8: slatedb-common 0.18.0 has no `src/random.rs`.",
            "Similar: `src/rand.rs`",
        ],
    );
}

#[test]
fn the_sources_answer_what_the_list_lacks() {
    let sources = Sources::new();
    let more = "\n- `get_all` and `Db::none` in `src/db.rs`.\n- `Row::key` in `src/iter/row.rs`, `src/iters/row.rs`.\n\nSlateDB's `Row` and `Else`.\n";
    sources.fixture.append(PAGE, more);
    let findings = sources.compare();
    assert_found(
        &findings,
        &["has it: add to book/slatedb.toml to \"src/db.rs\": \"Db::get_all\""],
    );
    assert_found(
        &findings,
        &["add to book/slatedb.toml below [files.slatedb]: \"src/iter/row.rs\" = [\"Row::key\"]"],
    );
    assert_found(&findings, &["list.md:36: `src/db.rs` of slatedb 0.18.0 has no `Db::none`"]);
    assert_found(
        &findings,
        &["list.md:37: slatedb 0.18.0 has no `src/iters/row.rs`. Similar: `src/iter/row.rs`"],
    );
    assert_found(&findings, &["list.md:39: SlateDB 0.18.0 has `Row` in `src/iter/row.rs`: say so"]);
    assert_found(&findings, &["list.md:39: no crate of SlateDB 0.18.0 has `Else`"]);
}

fn run(fixture: &Fixture, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.args(arguments).current_dir(&fixture.course.root);
    command.env("CARGO_HOME", fixture.course.root.join("cargo"));
    command.output().expect("the command")
}

#[test]
fn cargos_folder_is_where_sources_are_looked_for() {
    let sources = Sources::new();
    let refused = run(&sources.fixture, &["slatedb"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    for part in [
        "slatedb-0.18.0 is not in cargo's registry folder",
        "cargo fetch --manifest-path solutions/compare/Cargo.toml",
        "cargo course slatedb --sources DIR",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let root = &sources.fixture.course.root;
    std::fs::create_dir_all(root.join("cargo/registry/src")).expect("a folder");
    std::fs::rename(root.join("unpacked"), root.join("cargo/registry/src/index-1"))
        .expect("a move");
    assert!(run(&sources.fixture, &["slatedb"]).status.success());
}

#[test]
fn all_kinds_of_items_are_known() {
    let text = "
        pub const A: u8 = 0; static B: u8 = 0; type C = u8; fn d() {} macro_rules! e { () => {} }
        enum F { G, H(u8) } struct I { j: u8 } union K { l: u8 }
        trait M { const N: u8; type O; fn p(); }
        impl<T> Q<T> { const R: u8 = 0; fn s() {} } impl M for &Q<u8> { fn p() {} }
        mod t { fn u() {} } #[cfg(test)] mod v { fn w() {} }
        bitflags! { struct X: u8 { const Y = 1; } }
    ";
    let items = items_of("a.rs", text).expect("Rust");
    let expected = [
        "A", "B", "C", "F", "F::G", "F::H", "I", "I::j", "K", "M", "M::N", "M::O", "M::p", "Q::R",
        "Q::p", "Q::s", "X", "X::Y", "d", "e", "t", "t::u", "v",
    ];
    assert_eq!(items.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(items_of("a.rs", "fn (").expect_err("no Rust").to_string().starts_with("a.rs:1: "));
}
