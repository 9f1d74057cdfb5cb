//! What a person sees while the run goes on: the head at once, an area as soon as it is over, a bar for those who wait.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::human::{self, Head};
use super::look::Look;
use super::model::{Counts, Report};
use super::text::tidy;
use crate::event::{CaseFinished, Event, Progress, RunStarted, Verdict};

/// Reads events and shows them; [`Live::finish`] adds the findings. Together they print what [`human::render`] renders.
///
/// An area is over when a case of another area follows, as events come in plan order.
pub struct Live<W: Write> {
    out: W,
    look: Look,
    bar: Option<ProgressBar>,
    area: Option<(String, Counts)>,
    /// Somebody tells how far the run is; cases in plan order say less.
    told: bool,
}

impl<W: Write> Live<W> {
    /// Writes the report to `out`; with `bar` a progress bar goes to stderr, which must then be a terminal.
    pub fn new(out: W, look: Look, bar: bool) -> Self {
        let bar = bar.then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()));
        Live::with_bar(out, look, bar)
    }

    fn with_bar(out: W, look: Look, bar: Option<ProgressBar>) -> Self {
        Live { out, look, bar, area: None, told: false }
    }

    /// Shows one event.
    ///
    /// # Errors
    /// `out` cannot be written, for example because the pipe is closed.
    pub fn read(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started(started) => self.start(started),
            Event::Finished(case) => self.case(case),
            Event::Progress(progress) => {
                self.progress(progress);
                Ok(())
            }
            Event::Ended(_) => self.area_over(),
            Event::Document(_) => Ok(()),
        }
    }

    /// Shows the findings and the totals of the folded report. `reports` names the folder the files went to.
    ///
    /// # Errors
    /// As [`Live::read`].
    pub fn finish(mut self, report: &Report, reports: Option<&str>) -> io::Result<()> {
        self.area_over()?;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.print(&human::rest(report, &self.look, reports))?;
        self.out.flush()
    }

    fn start(&mut self, started: &RunStarted) -> io::Result<()> {
        let mut lines = human::head(&Head::of_start(started), &self.look);
        lines.push(String::new());
        self.print(&lines)?;
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}");
            bar.set_style(style.expect("the template is a constant and holds known keys"));
            bar.set_length(count(started.applicable));
            bar.enable_steady_tick(TICK);
        }
        Ok(())
    }

    fn case(&mut self, case: &CaseFinished) -> io::Result<()> {
        if self.area.as_ref().is_some_and(|(area, _)| *area != case.area) {
            self.area_over()?;
        }
        let (_, counts) = self.area.get_or_insert_with(|| (case.area.clone(), Counts::default()));
        case.results.iter().for_each(|result| counts.add(result));
        if let Some(bar) = self.bar.as_ref().filter(|_| !self.told) {
            if case.results.iter().any(|result| result.verdict != Verdict::NotApplicable) {
                bar.inc(1);
            }
            bar.set_message(tidy(&case.case, MESSAGE));
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        self.told = true;
        if let Some(bar) = &self.bar {
            bar.set_length(count(progress.planned));
            bar.set_position(count(progress.done));
            bar.set_message(tidy(&progress.running.join(", "), MESSAGE));
        }
    }

    fn area_over(&mut self) -> io::Result<()> {
        match self.area.take() {
            Some((area, counts)) => self.print(&human::area_lines(&area, &counts, &self.look)),
            None => Ok(()),
        }
    }

    /// Prints whole lines at once, above the bar.
    fn print(&mut self, lines: &[String]) -> io::Result<()> {
        let text = lines.join("\n") + "\n";
        let out = &mut self.out;
        let mut print = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// How often the bar moves, and the characters of its text.
const TICK: Duration = Duration::from_millis(100);
const MESSAGE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Fold;

    #[test]
    fn a_bar_does_not_change_what_is_printed() {
        let [with, without] = [Some(ProgressBar::hidden()), None].map(|bar| {
            let mut out = Vec::new();
            let mut live = Live::with_bar(&mut out, Look::plain(), bar);
            let mut fold = Fold::default();
            for event in events() {
                live.read(&event).expect("memory can be written");
                fold.read(event);
            }
            live.finish(&fold.finish(), None).expect("memory can be written");
            String::from_utf8(out).expect("a report is text")
        });
        assert_eq!(with, without);
        assert!(with.contains("discovery      does not apply"), "{with}");
    }

    fn events() -> Vec<Event> {
        let events = serde_json::json!([
            {"started": {"target": {"name": "t", "mcp_url": null, "roles": ["client"], "mcp_version": "2026-07-28"},
                "tool_version": "0.1.0", "started_at": "2026-11-21T03:47:00Z", "login": "", "registration": "",
                "applicable": 1, "not_applicable": 1, "again": "authspec run client.toml", "notes": []}},
            {"progress": {"done": 0, "planned": 1, "running": ["client/state"]}},
            {"finished": {"case": "discovery/x", "title": "", "area": "discovery", "exchanges": [], "duration_ms": 0,
                "results": [result("discovery/x", "not-applicable")]}},
            {"finished": {"case": "client/state", "title": "", "area": "client", "exchanges": [], "duration_ms": 9,
                "results": [result("client/state", "pass")]}},
            {"ended": {"duration_ms": 10, "interrupted": false, "dead": null, "problems": []}},
        ]);
        serde_json::from_value(events).expect("events")
    }

    fn result(case: &str, verdict: &str) -> serde_json::Value {
        serde_json::json!({"case": case, "variant": null, "rule": "", "level": "MUST", "role": "client", "verdict": verdict,
            "kind": null, "message": "", "expected": "", "actual": "", "party": "", "remedy": "", "source": "", "exchanges": [],
            "duration_ms": 0, "known": null, "place": ""})
    }
}
