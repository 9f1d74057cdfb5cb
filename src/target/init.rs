//! Writes a profile from what was found out about a target, with a comment on each line that the operator may change.

use crate::diag::is_hostile;
use crate::rule::{McpVersion, Role};

use super::RegistrationHow;

/// What is known of a target that has no profile yet.
#[derive(Clone, Debug, Default)]
pub struct InitFacts {
    /// The MCP endpoint.
    pub mcp_url: String,
    /// A name for reports; empty means: left to the default.
    pub name: String,
    /// The issuer that discovery led to.
    pub issuer: Option<String>,
    /// The roles it plays.
    pub roles: Vec<Role>,
    /// The newest MCP version it speaks.
    pub mcp_version: Option<McpVersion>,
    /// The ways of registration that its metadata offers, best first.
    pub registration: Vec<RegistrationHow>,
    /// The scopes it offers.
    pub scopes: Vec<String>,
    /// What its authorization endpoint showed.
    pub login: LoginHint,
    /// The host of the identity provider that it sends users to, if it is a proxy.
    pub upstream: Option<String>,
}

/// What a browser met at the authorization endpoint.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum LoginHint {
    /// Nobody looked.
    #[default]
    Unknown,
    /// A code came back without a question.
    Approves,
    /// An HTML form with these fields to fill in.
    Form(Vec<FormField>),
    /// A page without a form: a script builds it.
    Script,
}

/// A field of a login form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// Whether it is a password field.
    pub password: bool,
}

/// The text of a profile; it parses as it stands once the variables it names are set.
pub fn write(facts: &InitFacts) -> String {
    let mut lines = Lines::default();
    lines
        .comment("Profile of a target for authspec. Every line but mcp-url may go; docs/profile.md explains them all.");
    target(facts, &mut lines);
    registration(facts, &mut lines);
    login(facts, &mut lines);
    upstream(facts, &mut lines);
    limits(facts, &mut lines);
    lines.gap();
    lines.comment("A failure that is accepted for now. It turns the run red when it is over, or passes.");
    lines.off("[[known-failure]]");
    lines.off("rule = \"authz.iss-present\"");
    lines.off("reason = \"ticket 4711\"");
    lines.off("until = 2027-01-31");
    lines.text
}

fn target(facts: &InitFacts, lines: &mut Lines) {
    lines.section("target");
    if !facts.name.is_empty() {
        lines.set("name", &quoted(&facts.name), "shown in reports");
    }
    lines.set("mcp-url", &quoted(&facts.mcp_url), "");
    if !facts.roles.is_empty() {
        let roles: Vec<&str> = facts.roles.iter().map(|role| role.as_str()).collect();
        lines.set("roles", &list(&roles), "left out: found by discovery");
    }
    if let Some(version) = facts.mcp_version {
        lines.set("mcp-version", &quoted(version.as_str()), "left out: the newest it speaks");
    }
    if let Some(issuer) = &facts.issuer {
        lines.off(&format!("issuer = {}   # found by discovery; set it only to overrule that", quoted(issuer)));
    }
    lines.off("allow = [\"https://login.example.com\"]   # further origins that requests may go to");
}

fn registration(facts: &InitFacts, lines: &mut Lines) {
    lines.section("registration");
    match facts.registration.first() {
        None | Some(RegistrationHow::Preset) => {
            lines.comment("The server offers no registration: create a client by hand and name it here.");
            lines.set("how", "\"preset\"", "");
            lines.set("client-id", "{ env = \"CLIENT_ID\" }", "");
            lines.off("client-secret = { env = \"CLIENT_SECRET\" }   # left out: a public client");
            lines.off("client-key = { env = \"CLIENT_KEY\" }   # in place of a secret: a private key in PEM (private_key_jwt)");
            lines.off("redirect-uris = [\"http://127.0.0.1:8123/callback\"]   # those that client has");
        }
        Some(how) => {
            let offered: Vec<&str> = facts.registration.iter().map(|how| how.as_str()).collect();
            lines.set("how", &quoted(how.as_str()), &format!("offered: {}", offered.join(", ")));
        }
    }
    if !facts.scopes.is_empty() {
        let scopes = quoted(&facts.scopes.join(" "));
        lines.off(&format!("scope = {scopes}   # left out: no scope member in registrations"));
    }
}

fn login(facts: &InitFacts, lines: &mut Lines) {
    lines.section("login");
    match &facts.login {
        LoginHint::Unknown => {
            lines.set("how", "\"auto\"", "forms if there are any, else nothing");
            for (name, variable) in [("alice", "ALICE"), ("mallory", "MALLORY")] {
                lines.off(&format!(
                    "users.{name} = {{ username = {{ env = \"{variable}\" }}, password = {{ env = \"{variable}_PASSWORD\" }} }}"
                ));
            }
        }
        LoginHint::Approves => lines.set("how", "\"none\"", "it approves without asking"),
        LoginHint::Script => {
            lines.comment(
                "The login page is built by a script: a command of yours has to drive a browser (docs/profile.md).",
            );
            lines.set("how", "\"command\"", "");
            lines.set("command", "[\"./login.sh\"]", "given the authorization URL, prints where the browser ended");
        }
        LoginHint::Form(fields) => form(fields, lines),
    }
}

/// Two users, because a third of what can go wrong needs a second person; the further fields of the form are listed.
fn form(fields: &[FormField], lines: &mut Lines) {
    lines.set("how", "\"form\"", "");
    let password = if fields.iter().any(|field| field.password) { Some("PASSWORD") } else { None };
    for (name, variable) in [("alice", "ALICE"), ("mallory", "MALLORY")] {
        let mut user = format!("{{ username = {{ env = \"{variable}\" }}");
        if let Some(suffix) = password {
            user.push_str(&format!(", password = {{ env = \"{variable}_{suffix}\" }}"));
        }
        user.push_str(" }");
        lines.set(&format!("users.{name}"), &user, "");
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    lines.comment(&format!("the form has: {}", names.join(", ")));
    for (key, wanted) in [("username-field", false), ("password-field", true)] {
        if let Some(field) = fields.iter().find(|field| field.password == wanted) {
            lines.off(&format!("form.{key} = {}", quoted(&field.name)));
        }
    }
}

fn upstream(facts: &InitFacts, lines: &mut Lines) {
    let Some(host) = &facts.upstream else { return };
    lines.gap();
    lines
        .comment(&format!("It sends users on to {host}. To judge it as a proxy, let it trust this identity provider:"));
    lines.off("[upstream]");
    lines.off("listen = \"127.0.0.1:9000\"");
    lines.off("client-id = \"upstream-client\"");
}

fn limits(facts: &InitFacts, lines: &mut Lines) {
    let local = super::Profile::for_url(&facts.mcp_url).is_ok_and(|profile| profile.is_loopback());
    let defaults = super::Limits::for_target(local);
    lines.section("limits");
    match defaults.requests_per_second {
        Some(rate) => lines.set("requests-per-second", &rate.to_string(), "to one authority"),
        None => lines.off("requests-per-second = 20   # left out: no limit, the target is on this machine"),
    }
    let enough = "clients that a run may register; with 500 no case is left out for want of one";
    lines.set("registrations", &defaults.registrations.to_string(), enough);
}

/// A TOML string: the escapes of JSON are valid there, and only DEL must be escaped in addition.
fn quoted(text: &str) -> String {
    let plain = serde_json::Value::from(text).to_string();
    // JSON leaves characters as they are that a terminal acts on, and that turn a line around.
    plain.chars().fold(String::new(), |mut out, letter| {
        if is_hostile(letter) || letter == '\t' {
            out.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            out.push(letter);
        }
        out
    })
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

/// The file as it grows.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn section(&mut self, name: &str) {
        self.gap();
        self.text.push_str(&format!("[{name}]\n"));
    }

    fn set(&mut self, key: &str, value: &str, comment: &str) {
        self.text.push_str(&format!("{key} = {value}"));
        if !comment.is_empty() {
            self.text.push_str(&format!("   # {}", one_line(comment)));
        }
        self.text.push('\n');
    }

    /// A line that is switched off.
    fn off(&mut self, line: &str) {
        self.text.push_str(&format!("# {}\n", one_line(line)));
    }

    fn comment(&mut self, sentence: &str) {
        self.off(sentence);
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

/// What a server said must not end a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
