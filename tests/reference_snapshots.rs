//! The snapshots in `reports` are what the references give. After a change that is meant:
//! `authspec run NAME --snapshot reports/NAME.snap --bless`.

use std::path::Path;
use std::process::Command;

fn is_as_it_was(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("reports/{name}.snap"));
    let ran = Command::new(env!("CARGO_BIN_EXE_authspec"))
        .args(["run", name, "--format", "quiet", "--snapshot"])
        .arg(&file)
        .output()
        .expect("the binary runs");
    let (told, complaint) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(
        ran.status.success(),
        "after a look: authspec run {name} --snapshot reports/{name}.snap --bless\n{told}{complaint}"
    );
}

macro_rules! references {
    ($($test:ident $name:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            is_as_it_was($name);
        })*
    };
}

references! {
    client "client",
    consent_proxy "consent-proxy",
    exchange_gateway "exchange-gateway",
    provisioning_server "provisioning-server",
    scoped_api "scoped-api",
    server "server",
    transparent_proxy "transparent-proxy",
}
