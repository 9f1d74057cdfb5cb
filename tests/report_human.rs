//! What a person sees at a terminal.

#[path = "common/report_sample.rs"]
mod sample;

use authspec::event::{Event, Progress};
use authspec::report::{Live, Look, Report, human, quiet};
use insta::assert_snapshot;

#[test]
fn a_wide_terminal() {
    assert_snapshot!(human::render(&sample::everything(), &Look::plain(), Some("reports/out/localhost-3000")));
}

#[test]
fn a_narrow_terminal() {
    assert_snapshot!(human::render(&sample::everything(), &Look::new(Some(50), false), None));
}

#[test]
fn no_findings() {
    assert_snapshot!(human::render(&sample::spotless(), &Look::plain(), Some("reports/out/localhost-3000")));
}

#[test]
fn several_deployments_in_one_report() {
    let report = sample::several();
    assert_snapshot!(human::render(&report, &Look::plain(), None) + "\n" + &quiet::render(&report, &Look::plain()));
}

#[test]
fn hostile_text() {
    assert_snapshot!(human::render(&sample::hostile(), &Look::plain(), None));
}

#[test]
fn a_run_that_was_stopped() {
    let report = sample::fold([
        sample::started(),
        sample::case(vec![sample::pass("discovery/challenge", "prm.www-authenticate-required")], vec![]),
    ]);
    assert_snapshot!(human::render(&report, &Look::plain(), None));
}

#[test]
fn a_run_that_is_red_beside_its_results() {
    let mut report = sample::spotless();
    report.run.dead = Some("5 requests in a row were not answered: connection refused".to_owned());
    report.run.problems = vec!["the known failure authz.iss-present passes now: take it out of the profile".to_owned()];
    report.run.notes = vec!["the profile limits requests to 20 a second".to_owned()];
    assert_snapshot!(human::render(&report, &Look::plain(), None));
}

#[test]
fn many_variants_exchanges_and_reasons() {
    let variant = |at: usize| authspec::event::CaseResult {
        variant: Some(format!("variant-{at}")),
        actual: format!("answer {at}"),
        exchanges: (1..=9).collect(),
        ..sample::code_twice()
    };
    let mut events = vec![sample::started()];
    let exchanges = (1..=9).map(|id| if id % 2 == 0 { sample::post(id, 200) } else { sample::get(id, "/login") });
    events.push(sample::case((0..40).map(variant).collect(), exchanges.collect()));
    events.extend((0..14).map(|at| {
        let why = format!("reason {}", at % 12);
        sample::case(vec![sample::skipped(&format!("exchange/case-{at}"), &why)], vec![])
    }));
    events.push(sample::ended());
    assert_snapshot!(human::render(&sample::fold(events), &Look::new(Some(80), false), None));
}

#[test]
fn nothing_was_judged() {
    let report = sample::fold([sample::started(), sample::ended()]);
    assert_snapshot!(human::render(&report, &Look::plain(), None));
}

#[test]
fn quietly() {
    assert_snapshot!(quiet::render(&sample::everything(), &Look::plain()));
    assert_snapshot!(quiet::render(&sample::spotless(), &Look::plain()), @"
    no findings: all 3 checks passed
    0 failed, 0 warnings, 3 passed, 0 blocked, 1 does not apply · 1.3 s
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for report in [sample::everything(), sample::spotless(), sample::hostile()] {
        for width in 50..=100 {
            let look = Look::new(Some(width), false);
            for line in
                human::render(&report, &look, Some("reports/out")).lines().chain(quiet::render(&report, &look).lines())
            {
                // A command is never broken inside a word: it could not be copied.
                let unbreakable = line.trim_start().starts_with("again ");
                assert!(unbreakable || unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn nothing_of_the_target_reaches_the_terminal_as_a_command() {
    let report = sample::hostile();
    for text in [human::render(&report, &Look::plain(), None), quiet::render(&report, &Look::plain())] {
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let report = sample::everything();
    let painted = human::render(&report, &Look::new(None, true), None);
    assert!(painted.contains("\u{1b}["));
    let bare = anstream::adapter::strip_str(&painted).to_string();
    assert_eq!(bare, human::render(&report, &Look::plain(), None));
}

#[test]
fn what_is_shown_live_is_what_is_rendered() {
    let events = || {
        vec![
            sample::started(),
            Event::Progress(Progress { done: 0, planned: 3, running: vec!["discovery/challenge".to_owned()] }),
            sample::case(vec![sample::pass("discovery/challenge", "prm.www-authenticate-required")], vec![]),
            sample::case(
                vec![sample::pass("token/code", "token.code-redeemed"), sample::code_twice()],
                vec![sample::post(41, 200)],
            ),
            sample::ended(),
        ]
    };
    let report = sample::fold(events());
    let live = shown(events(), &report);
    assert_eq!(live, human::render(&report, &Look::plain(), Some("out")));
}

fn shown(events: Vec<Event>, report: &Report) -> String {
    let mut out = Vec::new();
    let mut live = Live::new(&mut out, Look::plain(), false);
    for event in &events {
        live.read(event).expect("memory can be written");
    }
    live.finish(report, Some("out")).expect("memory can be written");
    String::from_utf8(out).expect("a report is text")
}

#[test]
fn one_cause_stands_before_its_many_findings() {
    use authspec::event::{CaseResult, Kind, Verdict};
    let crash = |at: u32| CaseResult {
        verdict: Verdict::Fail,
        kind: Some(Kind::Crash),
        message: "\"it is refused\" could not be answered: a server error or a dropped connection".to_owned(),
        expected: "refused: status one of 400, 401, error invalid_grant".to_owned(),
        actual: if at == 3 { "served false; status 502".to_owned() } else { "500".to_owned() },
        exchanges: vec![at],
        ..sample::pass(&format!("token/case-{at}"), "token.error-format")
    };
    let blocked = |at: u32| CaseResult {
        verdict: Verdict::Blocked,
        message: format!("needs {}: the login was not accepted", if at.is_multiple_of(2) { "call" } else { "refresh" }),
        ..sample::pass(&format!("refresh/case-{at}"), "")
    };
    let mut events = vec![sample::started()];
    events.extend((1..=6).map(|at| sample::case(vec![crash(at)], vec![sample::post(at, 500)])));
    events.extend((1..=7).map(|at| sample::case(vec![blocked(at)], vec![])));
    events.push(sample::case(vec![sample::code_twice()], vec![]));
    events.push(sample::ended());
    assert_snapshot!(human::render(&sample::fold(events), &Look::plain(), None));
}
