//! `report.json`: held against its JSON Schema, and read back.

#[path = "common/report_sample.rs"]
mod sample;

use authspec::event::{Event, Record};
use authspec::report::{Outcome, ReadError, Report, json, merge};
use serde_json::Value;

#[test]
fn every_report_is_valid() {
    let validator = validator();
    for report in [sample::everything(), sample::several(), sample::spotless(), sample::hostile(), sample::fold([])] {
        let value: Value = serde_json::from_str(&json::render(&report)).expect("JSON");
        let complaints: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

#[test]
fn the_schema_refuses_what_it_does_not_know() {
    let validator = validator();
    let whole: Value = serde_json::from_str(&json::render(&sample::everything())).expect("JSON");
    for pointer in
        ["", "/tool", "/target", "/counts", "/run", "/cases/0", "/results/0", "/exchanges/0/request", "/documents/0"]
    {
        let mut value = whole.clone();
        value
            .pointer_mut(pointer)
            .and_then(Value::as_object_mut)
            .expect(pointer)
            .insert("surprise".to_owned(), Value::Null);
        assert!(!validator.is_valid(&value), "a new member of `{pointer}` is valid");
    }
    for (pointer, wrong) in
        [("/schema", "2"), ("/results/0/verdict", "\"maybe\""), ("/results/0/level", "\"must\""), ("/started_at", "7")]
    {
        let mut value = whole.clone();
        *value.pointer_mut(pointer).expect(pointer) = serde_json::from_str(wrong).expect("JSON");
        assert!(!validator.is_valid(&value), "{wrong} is valid at {pointer}");
    }
}

#[test]
fn it_reads_back() {
    for sample in [sample::everything(), sample::several()] {
        let text = json::render(&sample);
        let report = Report::from_json(&text).expect("our own report");
        assert_eq!(json::render(&report), text);
        assert_eq!(report.counts, report.counts());
    }
}

#[test]
fn another_file_is_refused_with_the_reason() {
    assert_eq!(refusal("{}"), ReadError::NotAReport);
    assert_eq!(refusal("{\"schema\": 2}"), ReadError::Schema(2));
    assert!(matches!(Report::from_json("no"), Err(ReadError::Json(_))));
    assert!(refusal("{\"schema\": 1}").to_string().contains("missing field"));
}

#[test]
fn events_survive_a_journey() {
    let record = Record::from(sample::started());
    let text = serde_json::to_string(&record).expect("an event is JSON");
    assert!(text.starts_with("{\"schema\":1,\"event\":{\"started\":{"), "{text}");
    let back: Record = serde_json::from_str(&text).expect("our own event");
    assert!(matches!(back.event, Event::Started(started) if started == sample::start_of_run()));
}

#[test]
fn the_outcome_follows_the_results() {
    assert_eq!(sample::everything().outcome(), Outcome::Findings);
    assert_eq!(sample::spotless().outcome(), Outcome::Clean);
    let run = |result| sample::fold([sample::started(), sample::case(vec![result], vec![]), sample::ended()]);
    assert_eq!(run(sample::insecure_register()).outcome(), Outcome::Clean, "a warning alone");
    assert_eq!(run(sample::known()).outcome(), Outcome::Clean, "a known failure alone");
    assert_eq!(run(sample::blocked("token/x")).outcome(), Outcome::BlockedOrError);
    assert_eq!(run(sample::harness_error()).outcome(), Outcome::BlockedOrError);
    assert_eq!(run(sample::skipped("token/x", "no")).outcome(), Outcome::BlockedOrError, "nothing was judged");
    let mut stale = sample::spotless();
    stale.run.problems.push("the known failure authz.iss-present passes".to_owned());
    assert_eq!(stale.outcome(), Outcome::Findings);
    let mut dead = sample::spotless();
    dead.run.dead = Some("connection refused".to_owned());
    assert_eq!(dead.outcome(), Outcome::BlockedOrError);
}

#[test]
fn merging_keeps_every_proof() {
    let whole = merge([sample::spotless(), sample::everything()]).expect("two reports");
    assert_eq!(whole.results.len(), sample::spotless().results.len() + sample::everything().results.len());
    assert_eq!(whole.counts, whole.counts());
    let finding =
        whole.results.iter().find(|result| result.rule == "token.code-one-time" && !result.exchanges.is_empty());
    let ids = &finding.expect("the finding").exchanges;
    assert!(ids.iter().all(|id| { whole.exchange(*id).is_some_and(|exchange| exchange.request.method == "POST") }));
    let mut sorted: Vec<u32> = whole.exchanges.iter().map(|exchange| exchange.id).collect();
    sorted.dedup();
    assert!(sorted.is_sorted() && sorted.len() == whole.exchanges.len());
    assert!(merge([]).is_none());
}

fn refusal(text: &str) -> ReadError {
    Report::from_json(text).expect_err("this is no report")
}

fn validator() -> jsonschema::Validator {
    let text = include_str!("../reports/schema/report.schema.json");
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is a schema")
}
