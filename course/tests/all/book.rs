//! Gate `book`: each way in which a page can be broken.

use course::files;
use course::gate::{page_findings, site_findings};

use crate::fixture::{Fixture, assert_found};

/// What is wrong with a page that lies beside the fixture's pages.
fn page(text: &str) -> Vec<String> {
    let fixture = Fixture::new();
    fixture.write(
        "book/src/a.txt",
        "one\n// ANCHOR: empty\n\n// ANCHOR_END: empty\n// ANCHOR: open\ntwo\n",
    );
    page_findings("page.md", &fixture.course.book().join("page.md"), text)
}

const LIST: &str = "../../solutions/tinydb/src/store/list.rs";

#[test]
fn a_good_page_has_no_findings() {
    let text = format!(
        "{{{{#include a.txt}}}} {{{{#include a.txt:1}}}} {{{{#include a.txt:1:5}}}} \\{{{{#include none}}}}\n\n\
         ```rust,ignore\n{{{{#rustdoc_include {LIST}:sum}}}}\n```\n\n```text\nlet x;\n```\n\n~~~\n```rust\nlet x;\n```\n~~~\n"
    );
    assert_eq!(page(&text), [""; 0]);
}

#[test]
fn an_include_of_nothing_is_found() {
    assert_found(
        &page("\n{{#include none.rs}}"),
        &["page.md:2: cannot include none.rs: there is no such file"],
    );
    let missing = page(&format!("{{{{#include {LIST}:none}}}}"));
    assert_found(&missing, &["page.md:1:", "has no `ANCHOR: none`"]);
    assert_found(&page("{{#include a.txt:open}}"), &["`ANCHOR_END: open`"]);
    assert_found(&page("{{#include a.txt:empty}}"), &["a.txt:empty is empty"]);
    assert_found(&page("{{#include a.txt:40:50}}"), &["a.txt:40:50 is empty"]);
}

#[test]
fn typed_in_code_and_playgrounds_are_found() {
    let quoted = "> ```rust\n> {{#include a.txt}}\n> ```\n> ```rust\n> let x;\n> ```\n";
    assert_found(&page(quoted), &["page.md:4: code is typed in here"]);
    assert_found(
        &page("text\n\n```rust\nlet x = 1;\n```\n"),
        &["page.md:3: code is typed in here"],
    );
    assert_found(
        &page("> ~~~rust,ignore\n> {{#include a.txt}}\n> more\n> ~~~\n"),
        &["page.md:1: code is typed in"],
    );
    assert_found(&page("{{#playground a.txt}}"), &["a playground asks another host"]);
}

/// What is wrong with a site of one page, beside which lie `other.html` and `style.css`.
fn site(main: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        files::write(&folder.path().join(name), text.as_bytes()).expect("a file");
    };
    write("index.html", &format!("<html><head><title>t</title></head><main>{main}</main></html>"));
    write(
        "deep/other page.html",
        "<main><h1 id=\"top\">x</h1><a href=\"../index.html\">up</a></main>",
    );
    write("style.css", "a { background: url( \"data:x\" ) }");
    site_findings(folder.path()).expect("a site")
}

#[test]
fn a_good_site_has_no_findings() {
    let main = "<a href=\"deep/other%20page.html?x#top\">x</a> <a href=\"https://slatedb.io\">s</a> <a href=\"mailto:a@b\">m</a>\
        <link rel=\"stylesheet\" href=\"style.css\"><link rel=\"canonical\" href=\"https://a.example\">\
        <svg role=\"img\"><title>A figure</title></svg><span class=\"fa-svg\"><svg></svg></span><svg aria-hidden=\"true\"></svg>\
        <img src=\"data:image/png;base64,x\" alt=\"\"><script>let a = \"<a href='none'>\";</script>";
    assert_eq!(site(main), [""; 0]);
}

#[test]
fn dead_links_are_found() {
    assert_found(&site("<a href=\"none.html\">x</a>"), &["index.html: `none.html` leads nowhere"]);
    assert_found(&site("<a href=\"#none\">x</a>"), &["`#none`: that page has no #none"]);
    assert_found(
        &site("<a href=\"deep/other%20page.html#none\">x</a>"),
        &["that page has no #none"],
    );
    assert_found(&site("<img alt=\"x\" src=\"none.png\">"), &["`none.png` leads nowhere"]);
}

#[test]
fn what_another_host_is_asked_for_is_found() {
    for loads in [
        "<script src=\"https://other.example/x.js\"></script>",
        "<script src=\"//other.example/x.js\"></script>",
        "<link rel=\"stylesheet\" href=\"https://other.example/x.css\">",
        "<img alt=\"x\" src=\"https://other.example/x.png\">",
        "<img alt=\"x\" srcset=\"style.css 1x, https://other.example/x.png 2x\">",
        "<iframe src=\"https://other.example/\"></iframe>",
        "<p style=\"background: url('https://other.example/x.png')\">x</p>",
        "<style>@import \"https://other.example/x.css\";</style>",
        "<svg role=\"img\"><title>t</title><use href=\"https://other.example/x.svg\"/></svg>",
    ] {
        assert_found(&site(loads), &["index.html: loads", "other.example", "from another host"]);
    }
}

#[test]
fn a_style_sheet_that_asks_another_host_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.css");
    files::write(&path, b"@import url(https://other.example/x.css);").expect("a file");
    let findings = site_findings(folder.path()).expect("a site");
    assert_found(&findings, &["a.css: loads https://other.example/x.css from another host"]);
    assert_found(&findings, &["the built book has no page"]);
}

#[test]
fn figures_that_not_everybody_can_see_and_leftovers_are_found() {
    assert_found(&site("<svg><title>t</title></svg>"), &["an <svg> without role=\"img\""]);
    assert_found(&site("<svg role=\"img\"><g></g></svg>"), &["an <svg> without a <title>"]);
    assert_found(&site("<img src=\"style.css\">"), &["an <img> without alt"]);
    assert_found(&site("<p>{{#include x}}</p>"), &["a `{{#` is left over"]);
}

#[test]
fn the_gate_reads_sources_and_the_built_book() {
    let fixture = Fixture::new();
    fixture
        .append("book/src/start.md", "\n[dead](week1/list.md#none)\n\n```rust\nlet x = 1;\n```\n");
    fixture.append("book/src/SUMMARY.md", "- [More](more.md)\n");
    fixture.write("book/src/more.md", "<script src=\"https://other.example/x.js\"></script>\n");
    let findings = fixture.findings("book");
    assert_found(&findings, &["book/src/start.md:14: code is typed in"]);
    assert_found(&findings, &["start.html: `week1/list.html#none`: that page has no #none"]);
    assert_found(&findings, &["more.html: loads https://other.example/x.js"]);
    fixture.remove("book/src/more.md");
    assert_found(&fixture.findings("book"), &["more.md"]);
}
