//! `junit.xml`: read back with an XML reader and held against the form that CI systems share.

#[path = "common/report_sample.rs"]
mod sample;

use std::collections::BTreeMap;

use authspec::report::junit;
use insta::assert_snapshot;
use quick_xml::Reader;
use quick_xml::events::Event;

/// An element with its attributes, children and text.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn number(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().expect("a number")
    }
}

#[test]
fn every_verdict_has_its_place() {
    assert_snapshot!(junit::render(&sample::everything()));
}

#[test]
fn it_has_the_form_that_ci_systems_share() {
    for report in [sample::everything(), sample::several(), sample::spotless(), sample::hostile(), sample::fold([])] {
        let root = read(&junit::render(&report));
        assert_eq!(root.name, "testsuites");
        let mut sums = [0; 3];
        for suite in &root.children {
            assert_eq!(suite.name, "testsuite");
            for (sum, number) in sums.iter_mut().zip(check_suite(suite)) {
                *sum += number;
            }
        }
        assert_eq!(["tests", "failures", "errors"].map(|name| root.number(name)), sums);
    }
}

#[test]
fn counts_are_those_of_the_report() {
    let report = sample::everything();
    let root = read(&junit::render(&report));
    let counts = report.counts();
    assert_eq!(root.number("tests"), report.results.len());
    assert_eq!(root.number("failures"), counts.fail);
    assert_eq!(root.number("errors"), counts.blocked + counts.error);
    let skipped: usize = root.children.iter().map(|suite| suite.number("skipped")).sum();
    assert_eq!(skipped, counts.not_applicable + counts.known);
}

#[test]
fn an_interrupted_run_is_red() {
    let report = sample::fold([
        sample::started(),
        sample::case(vec![sample::pass("discovery/challenge", "prm.www-authenticate-required")], vec![]),
    ]);
    let root = read(&junit::render(&report));
    assert_eq!(root.number("errors"), 1);
    let suite = root.children.last().expect("the suite of the run");
    assert_eq!(suite.children[0].attributes["name"], "interrupted");
}

#[test]
fn forbidden_characters_do_not_get_in() {
    let xml = junit::render(&sample::hostile());
    let forbidden = |letter: char| {
        (letter.is_control() && letter != '\n') || matches!(letter, '\u{fffe}' | '\u{ffff}' | '\u{202e}')
    };
    assert!(!xml.chars().any(forbidden));
    let root = read(&xml);
    let failure = &root.children[0].children[0].all("failure").next().expect("a failure").text;
    assert!(failure.contains("]]></failure>"), "{failure}");
}

/// Tests, failures and errors of a suite, after its form was checked.
fn check_suite(suite: &Element) -> [usize; 3] {
    for attribute in ["name", "tests", "failures", "errors", "skipped", "time"] {
        if suite.attributes["name"] != "run" || attribute != "time" {
            assert!(suite.attributes.contains_key(attribute), "{attribute} in {:?}", suite.attributes);
        }
    }
    let mut names = std::collections::BTreeSet::new();
    let mut found = BTreeMap::from([("failure", 0), ("error", 0), ("skipped", 0)]);
    for case in &suite.children {
        assert_eq!(case.name, "testcase");
        assert!(case.attributes.contains_key("classname"));
        assert!(names.insert(case.attributes["name"].clone()), "twice: {}", case.attributes["name"]);
        check_order(case);
        for (name, number) in &mut found {
            *number += case.all(name).count();
        }
    }
    assert_eq!(suite.children.len(), suite.number("tests"));
    assert_eq!(found["failure"], suite.number("failures"));
    assert_eq!(found["error"], suite.number("errors"));
    assert_eq!(found["skipped"], suite.number("skipped"));
    [suite.number("tests"), found["failure"], found["error"]]
}

/// At most one outcome; each with message and, unless skipped, type; known children only.
fn check_order(case: &Element) {
    let known = ["properties", "skipped", "failure", "error", "system-out", "system-err"];
    assert!(case.children.iter().all(|child| known.contains(&child.name.as_str())), "{case:?}");
    let outcomes: Vec<_> =
        case.children.iter().filter(|child| ["skipped", "failure", "error"].contains(&child.name.as_str())).collect();
    assert!(outcomes.len() <= 1);
    for outcome in outcomes {
        assert!(outcome.attributes.contains_key("message"));
        assert!(outcome.name == "skipped" || outcome.attributes.contains_key("type"));
    }
}

fn read(xml: &str) -> Element {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(tag) => open.push(element(&tag)),
            Event::Empty(tag) => {
                let child = element(&tag);
                open.last_mut().expect("the root stays").children.push(child);
            }
            Event::End(_) => {
                let child = open.pop().expect("an end has a start");
                open.last_mut().expect("the root stays").children.push(child);
            }
            Event::Text(text) => {
                open.last_mut().expect("the root stays").text.push_str(&text);
            }
            Event::GeneralRef(name) => {
                let letter = match &*name {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" => "'",
                    other => panic!("unknown entity {other}"),
                };
                open.last_mut().expect("the root stays").text.push_str(letter);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1, "every element is closed");
    open.remove(0).children.remove(0)
}

fn element(tag: &quick_xml::events::BytesStart<'_>) -> Element {
    let attribute = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        let name = attribute.key.as_ref().to_owned();
        (name, quick_xml::escape::unescape(&attribute.value).expect("known entities").into_owned())
    };
    Element {
        name: tag.name().as_ref().to_owned(),
        attributes: tag.attributes().map(|found| attribute(found.expect("a whole attribute"))).collect(),
        ..Element::default()
    }
}
