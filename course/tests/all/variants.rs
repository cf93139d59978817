//! Right variants: their files, and the gate `variants`.

use course::variant::Variant;

use crate::fixture::{Fixture, assert_found};

const LOOP: &str = "chapters/week1/variants/a_loop.patch";
const HALVES: &str = "chapters/week1/variants/by_halves.patch";
const NEWEST: &str = "chapters/week1/variants/newest_first.patch";

#[test]
fn a_variants_file_is_understood() {
    let fixture = Fixture::new();
    let variant = Variant::parse(NEWEST, &fixture.read(NEWEST)).expect("a variant");
    assert_eq!(variant.name, "newest_first");
    assert!(variant.says.starts_with("The newest number stands first."), "{}", variant.says);
    let planted = variant.patch.planted(&fixture.course).expect("it applies");
    assert!(planted[0].text.contains("self.numbers.insert(0, number);"), "{}", planted[0].text);
}

#[test]
fn a_variants_file_with_a_mistake_is_refused_with_its_line() {
    let text = Fixture::new().read(NEWEST);
    for (old, new, expected) in [
        (
            "variant: newest",
            "variant: oldest",
            ":1: the variant is called `oldest_first`, its file",
        ),
        ("variant:", "bug:", ":1: expected `variant: …`, `says: …`, found"),
        ("says: The", "caught-by: The", ":2: expected `variant: …`"),
        (
            "/tinydb/src/",
            "/tinydb/tests/",
            ":4: a variant changes files below solutions/tinydb/src/",
        ),
    ] {
        let error = Variant::parse(NEWEST, &text.replace(old, new)).expect_err(new).to_string();
        assert!(error.starts_with(NEWEST) && error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_gate_finds_a_test_that_fails_on_a_right_engine() {
    let fixture = Fixture::new();
    let nosy = "assert!(format!(\"{list:?}\").ends_with(\"[7, 8] }\"), \"{list:?}\");";
    let test = "mod task_1_2 {\n    #[test]\n    fn the_order_stays() {\n        let mut list = week1::store::List::default();\n        list.add(7);\n        list.add(8);\n        ";
    fixture.write("chapters/week1/tests/nosy.rs", &format!("{test}{nosy}\n    }}\n}}\n"));
    let findings = fixture.findings("variants");
    assert_found(&findings, &[NEWEST, "task_1_2::the_order_stays fails", "[8, 7]"]);
    assert_eq!(findings.len(), 1, "the others keep the order: {findings:?}");
}

#[test]
fn the_gate_finds_too_few_variants_and_those_that_are_stale_or_do_not_compile() {
    let fixture = Fixture::new();
    fixture.remove(NEWEST).replace(HALVES, "START + number", "START + ");
    fixture.replace("solutions/tinydb/src/store/list.rs", "fold(START", "fold(super::START");
    fixture.replace(HALVES, "fold(START", "fold(super::START");
    let findings = fixture.findings("variants");
    assert_found(&findings, &["chapters/week1/variants: expected 3", "found 2", "A right variant"]);
    assert_found(&findings, &[LOOP, "the variant can no longer be planted", "A right variant"]);
    assert_found(&findings, &[HALVES, "with this variant the engine does not compile"]);
}
