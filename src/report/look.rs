//! How a report looks on a terminal: its width and its colours.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::event::Verdict;

/// The widest line of any report.
pub const WIDEST: usize = 100;
/// The narrowest terminal that is laid out for.
pub const NARROWEST: usize = 50;

/// The width of the terminal and whether it shows colours. Known to the command line, which passes it down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Look {
    width: usize,
    colour: bool,
}

impl Look {
    /// A terminal of `width` columns (`None`: not a terminal), laid out for at most 100 and at least 50.
    pub fn new(width: Option<usize>, colour: bool) -> Look {
        Look { width: width.unwrap_or(WIDEST).clamp(NARROWEST, WIDEST), colour }
    }

    /// A file: 100 columns, no colours.
    pub fn plain() -> Look {
        Look::new(None, false)
    }

    /// The columns to fill.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Paints a text if there are colours.
    pub fn paint(&self, style: Style, text: impl Display) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// The colour of a verdict.
pub(super) fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail => BAD,
        Verdict::Warn => DOUBTFUL,
        Verdict::Blocked | Verdict::Error => BROKEN,
        Verdict::NotApplicable => FAINT,
    }
}

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const BROKEN: Style = AnsiColor::Magenta.on_default().bold();
pub(super) const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const STRONG: Style = Style::new().bold();
