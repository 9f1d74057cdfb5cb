//! `authspec reference-client`: the reference MCP client as a program, healthy or broken on purpose.

use super::explain::broken_by;
use super::{FINDINGS, OK, ReferenceClientArgs, USAGE, faults, runtime, text};

/// Runs it against an MCP server and gives the exit code.
pub fn main(args: &ReferenceClientArgs) -> u8 {
    let faults = match faults(&args.fault) {
        Ok(faults) => faults,
        Err(code) => return code,
    };
    let mut known = fixtures::catalogue().iter().filter(|fault| faults.ids().contains(&fault.id));
    if let Some(fault) = known.find(|fault| fault.deployment != "client") {
        text::error(&format!("`{}` is a fault of `{}`: {}", fault.id, fault.deployment, broken_by(fault)));
        return USAGE;
    }
    let ended = runtime().block_on(fixtures::client::run(&args.url, &faults));
    ended.lines.iter().for_each(|line| text::line(line));
    if ended.code == 0 { OK } else { FINDINGS }
}
