//! What a run has to say, one file a format; each reads events, folded into a [`Report`], and nothing else.
//!
//! `human` and `quiet` go to a terminal, `json` to a program; [`write_dir`] writes every entry of [`FORMATS`]. A new format is
//! one file, one line in [`FORMATS`] and one golden.
//!
//! Warnings alone leave a run [`Outcome::Clean`]; `--strict` promotes them to failures before they come here.

mod cause;
mod evidence;
mod files;
mod finding;
mod fold;
mod group;
mod live;
mod look;
mod model;
mod phrase;
mod text;

pub mod human;
pub mod json;
pub mod junit;
pub mod quiet;
pub mod snapshot;

pub use files::{WriteError, write, write_dir};
pub use fold::{Fold, merge};
pub use live::Live;
pub use look::{Look, NARROWEST, WIDEST};
pub use model::{CaseInfo, Counts, Outcome, ReadError, Report, RunInfo, Tool};
pub use text::wrap;

/// A format that is written to a file.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name of the file.
    pub file: &'static str,
    /// The whole file.
    pub render: fn(&Report) -> String,
}

/// Every format that is written to a file.
pub const FORMATS: &[Format] = &[
    Format { file: "junit.xml", render: junit::render },
    Format { file: "report.json", render: json::render },
    Format { file: "snapshot.txt", render: snapshot::render },
];
