//! `authspec reference-client`: the reference MCP client as a program, healthy or broken on purpose.

use super::{FINDINGS, OK, ReferenceClientArgs, USAGE, runtime, text};

/// Runs it against an MCP server and gives the exit code.
pub fn main(args: &ReferenceClientArgs) -> u8 {
    let faults = match fixtures::Faults::parse(args.fault.iter().map(String::as_str)) {
        Ok(faults) => faults,
        Err(unknown) => {
            text::error(&format!("no fault is called `{unknown}`: see authspec list faults 'client.*'"));
            return USAGE;
        }
    };
    let ended = runtime().block_on(fixtures::client::run(&args.url, &faults));
    ended.lines.iter().for_each(|line| text::line(line));
    if ended.code == 0 { OK } else { FINDINGS }
}
