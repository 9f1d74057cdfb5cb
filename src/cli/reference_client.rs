//! `authspec reference-client`: the reference MCP client as a program, healthy or broken on purpose.

use super::{FINDINGS, OK, ReferenceClientArgs, faults, runtime, text};

/// Runs it against an MCP server and gives the exit code.
pub fn main(args: &ReferenceClientArgs) -> u8 {
    let faults = match faults(&args.fault) {
        Ok(faults) => faults,
        Err(code) => return code,
    };
    let ended = runtime().block_on(fixtures::client::run(&args.url, &faults));
    ended.lines.iter().for_each(|line| text::line(line));
    if ended.code == 0 { OK } else { FINDINGS }
}
