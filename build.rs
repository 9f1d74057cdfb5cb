//! Rebuilds when a case or a rule changes: they are part of the binary, and `include_dir!` does not notice new files.

fn main() {
    println!("cargo:rerun-if-changed=suites");
}
