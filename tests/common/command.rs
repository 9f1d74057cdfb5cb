//! The binary, run to its end, and what it said.
#![allow(dead_code, reason = "each test file uses its part")]

use std::process::{Command, Output};

pub(crate) fn authspec(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authspec")).args(args).env_remove("COLUMNS").output().expect("the binary runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
