//! The command line: one file a command; arguments in, exit code out. The only reader of the environment.

mod browse;
mod coverage;
mod diff;
mod explain;
mod init;
mod inspect;
mod lint;
mod list;
mod merge;
mod mint;
mod prove;
mod reference_client;
mod run;
mod serve;
mod signals;
mod text;

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitCode;

use authspec::diag::nearest;
use authspec::event::Shard;
use authspec::rule::{McpVersion, Role, Rules};
use authspec::run::with_variant;
use authspec::suite::Suites;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use fixtures::Faults;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// The acceptance test for MCP OAuth.
///
/// Point it at an MCP server or its authorization server: it plays browser, client, identity provider and attacker, and
/// proves each finding with the HTTP exchange. Without a command it runs every suite against the embedded reference deployments.
#[derive(Debug, Parser)]
#[command(name = "authspec", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a target: a profile (.toml), an http(s) MCP URL, or nothing for the embedded reference deployments
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Write a profile for an MCP URL from what discovery finds; it registers a client and tries to log in
    Init(InitArgs),
    /// Serve the mock identity provider (idp) or a reference deployment (see NAME), healthy or broken on purpose
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Make a token of the mock identity provider, honest or wrong on purpose
    #[command(after_help = MINT_EXAMPLES)]
    Mint(MintArgs),
    /// Decode a token, check it, and say what is odd about it; it is sent nowhere
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Explain a case, a rule, a fault, or a word that cases and reports use
    Explain(ExplainArgs),
    /// List the cases, the rules, the faults, or the verbs of the case language
    List(ListArgs),
    /// Show which verdicts changed between two reports; exit code 1 if any is worse
    Diff(DiffArgs),
    /// Merge the reports of shards into one; exit code 2 if a shard is missing
    Merge(MergeArgs),
    /// Check case files and rules, all slips at once
    Lint(LintArgs),
    /// Run every fault of the reference deployments against every case
    Prove(ProveArgs),
    /// Count which rules are judged by cases, and which are not and why
    Coverage(SuiteArgs),
    /// Follow a URL on this machine as the browser of an MCP client under test; `run` gives it to the client as BROWSER
    Browse(BrowseArgs),
    /// Run the reference MCP client against an MCP server, healthy or broken on purpose
    ReferenceClient(ReferenceClientArgs),
}

#[derive(Debug, Args)]
struct BrowseArgs {
    /// The URL to open
    url: String,
}

#[derive(Debug, Args)]
struct ReferenceClientArgs {
    /// The URL of the MCP server
    url: String,
    /// Switch a fault on: see `authspec list --faults`
    #[arg(long, value_name = "ID")]
    fault: Vec<String>,
}

#[derive(Debug, Args, Default)]
struct SuiteArgs {
    /// Use the suites of this folder instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    suites: Option<PathBuf>,
}

#[derive(Debug, Args, Default)]
struct RunArgs {
    /// A profile (.toml), an http(s) MCP URL, the name of one embedded reference deployment (see `serve`), or nothing for
    /// all of them together
    target: Option<String>,
    /// Only these cases, areas or rules (glob)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Not these cases, areas or rules (glob)
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,
    /// Judge only this role of the target
    #[arg(long, value_name = "ROLE", value_parser = one_of(Role::ALL, Role::as_str))]
    role: Vec<Role>,
    /// Judge by this version of MCP (default: the newest the target speaks)
    #[arg(long, value_name = "V", value_parser = one_of(McpVersion::ALL, McpVersion::as_str))]
    mcp_version: Option<McpVersion>,
    /// Write junit.xml, report.json and snapshot.txt into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Compare verdicts and protocol documents with this snapshot; a drift is red, and so is that there is none yet
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Accept the drift: write the snapshot, unless the run was cut short
    #[arg(long, requires = "snapshot")]
    bless: bool,
    /// Cases at once (default: limits.jobs of the profile, else 4; those that only wait come on top)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Warnings are failures
    #[arg(long)]
    strict: bool,
    /// Leave out what could burden a shared target
    #[arg(long)]
    safe: bool,
    /// Tell what failed at once, without a second attempt
    #[arg(long)]
    once: bool,
    /// Run part I of N of the cases; `authspec merge` puts the reports together
    #[arg(long, value_name = "I/N", value_parser = str::parse::<Shard>)]
    shard: Option<Shard>,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Summary and every finding
    #[default]
    Human,
    /// report.json on standard output
    Json,
    /// One line for whatever turns the run red, and the totals
    Quiet,
}

#[derive(Debug, Args, Default)]
struct ListArgs {
    /// Only these cases, areas, rules or faults (glob)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// List the verbs of the case language, their arguments and facts, as Markdown
    #[arg(long)]
    verbs: bool,
    /// List the faults of the reference deployments
    #[arg(long, conflicts_with = "verbs")]
    faults: bool,
    /// List the rules: whom each speaks to, how strongly, and what it demands
    #[arg(long, conflicts_with_all = ["verbs", "faults"])]
    rules: bool,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// Id of a case (token/code-one-time), a rule (token.code-one-time) or a fault (token.code-replay-accepted); or an ability (refresh), a tag (floods), a verb (token)
    id: String,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Debug, Args)]
struct LintArgs {
    /// Case files or suite folders, no profiles: `run` checks those (default: the built-in suites)
    paths: Vec<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Debug, Args)]
struct ProveArgs {
    /// Only these faults (glob)
    #[arg(long, value_name = "GLOB")]
    fault: Vec<String>,
    /// Only these cases (glob over ids and areas)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Run every fault against every case, also those that never ask for it: much slower, and trusts nothing
    #[arg(long)]
    every_case: bool,
    /// Write the `faults` of the case files below this suites folder as the matrix shows them
    #[arg(long, value_name = "DIR")]
    bless: Option<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// `idp`, `server`, `consent-proxy`, `https-proxy`, `single-client-proxy`, `transparent-proxy`, `provisioning-server`, `exchange-gateway` or `scoped-api`
    name: String,
    /// The issuer at which a proxy logs users in, or whose tokens the others take (default: a mock identity provider beside it)
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The certificate (PEM) that a proxy trusts at an issuer that speaks https
    #[arg(long, value_name = "FILE", requires = "upstream")]
    upstream_ca: Option<PathBuf>,
    /// Let `idp` speak https, and write the certificate that its clients must trust into this file (PEM)
    #[arg(long, value_name = "CA_FILE")]
    tls: Option<PathBuf>,
    /// Switch on this fault of a reference deployment (see `authspec list --faults`)
    #[arg(long, value_name = "ID")]
    fault: Vec<String>,
    /// Give `idp` the habits of a provider: auth0, cognito, entra, entra-v1, github, google, keycloak, okta, strict
    #[arg(long, value_name = "NAME")]
    personality: Option<String>,
    /// Port on 127.0.0.1 (default: a free one)
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
}

#[derive(Debug, Args)]
struct InitArgs {
    /// The MCP URL
    url: String,
    /// Write the profile here (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct MintArgs {
    /// The issuer, at a running `authspec serve idp`: its URL, with the issuer's path
    #[arg(long, value_name = "URL", conflicts_with = "serve")]
    idp: Option<String>,
    /// Start an issuer for this token, and serve its keys until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// Port of --serve on 127.0.0.1 (default: a free one)
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, requires = "serve")]
    port: u16,
    /// Habits of the issuer of --serve: auth0, cognito, entra, entra-v1, github, google, keycloak, okta, strict
    #[arg(long, value_name = "NAME", requires = "serve")]
    personality: Option<String>,
    /// An audience; several make a list (default: none, or the client of an ID token)
    #[arg(long = "aud", value_name = "AUD")]
    audience: Vec<String>,
    /// The scope (default: none)
    #[arg(long, value_name = "SCOPE", default_value = "", hide_default_value = true)]
    scope: String,
    /// The client_id
    #[arg(long, value_name = "ID", default_value = "authspec")]
    client_id: String,
    /// The user, who is the subject (default: user-alice)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A claim: JSON or text; for times +1h, -5m, now; null takes a claim out
    #[arg(long, value_name = "NAME=VALUE", value_parser = mint::member)]
    claim: Vec<(String, String)>,
    /// A member of the header, in the same way
    #[arg(long, value_name = "NAME=VALUE", value_parser = mint::member)]
    header: Vec<(String, String)>,
    /// The signature algorithm: EdDSA, ES256, ES384, PS256, RS256, RS512; its key is published (default: the issuer's)
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// Who signs: current, foreign, former, none, tampered, or the name of a key
    #[arg(long, value_name = "WHO", default_value = "current")]
    sign: String,
    /// Make an ID token
    #[arg(long)]
    id_token: bool,
    /// Make an access token that says nothing by itself: its issuer knows it (RFC 7662)
    #[arg(long, conflicts_with_all = ["id_token", "header", "alg", "sign"])]
    opaque: bool,
}

#[derive(Debug, Args)]
struct InspectArgs {
    /// The token, or the JSON answer of a token endpoint; `-` reads it from standard input (`- < FILE`), so that it does
    /// not stay in the shell's history
    #[arg(value_name = "TOKEN")]
    token: Vec<String>,
    /// The issuer to check it against: metadata, keys, signature, iss
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The audience that it should have; any one of several will do
    #[arg(long = "audience", visible_alias = "aud", value_name = "AUD")]
    audience: Vec<String>,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The earlier report
    old: PathBuf,
    /// The later report
    new: PathBuf,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Report folders
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// Write the merged reports into this folder
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            let plain = error.to_string();
            let masked = text::masked(&plain);
            if masked == plain {
                // A closed pipe is no reason to fail.
                let _ = error.print();
            } else {
                anstream::eprint!("{masked}");
            }
            return ExitCode::from(code);
        }
    };
    let done = std::panic::catch_unwind(|| dispatch(cli.command.unwrap_or_else(|| Command::Run(RunArgs::default()))));
    let code = done.unwrap_or_else(|_| {
        text::error("this is a bug of authspec: please report it with the lines above");
        BUG
    });
    match text::lost() {
        Some(why) => {
            text::error(&format!("standard output cannot be written: {why}"));
            ExitCode::from(code.max(BLOCKED))
        }
        None => ExitCode::from(code),
    }
}

fn dispatch(command: Command) -> u8 {
    match command {
        Command::Run(args) => run::main(args),
        Command::List(args) => list::main(&args),
        Command::Explain(args) => explain::main(&args),
        Command::Lint(args) => lint::main(&args),
        Command::Coverage(args) => coverage::main(&args),
        Command::Browse(args) => browse::main(&args),
        Command::ReferenceClient(args) => reference_client::main(&args),
        Command::Prove(args) => prove::main(&args),
        Command::Serve(args) => serve::main(&args),
        Command::Init(args) => init::main(&args),
        Command::Mint(args) => mint::main(&args),
        Command::Inspect(args) => inspect::main(&args),
        Command::Diff(args) => diff::main(&args),
        Command::Merge(args) => merge::main(&args),
    }
}

/// The patterns of an option; which of them cannot be read, and why.
fn globs<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Result<GlobSet, String> {
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        let read =
            |part: &str| Glob::new(part).map_err(|e| format!("the pattern `{pattern}` cannot be read: {}", e.kind()));
        // What stands in brackets at the end is the name of a variant, and no class of characters.
        let (case, variant) = with_variant(pattern).unwrap_or((pattern, ""));
        read(variant)?;
        globs.add(read(case)?);
    }
    globs.build().map_err(|e| e.to_string())
}

/// The faults of these names. One that nobody knows is told.
fn faults(ids: &[String]) -> Result<Faults, u8> {
    Faults::parse(ids.iter().map(String::as_str)).map_err(|unknown| {
        let near = nearest(&unknown, fixtures::catalogue().iter().map(|fault| fault.id));
        let hint = near.map_or_else(|| "see `authspec list --faults`".to_owned(), |n| format!("did you mean `{n}`?"));
        text::error(&format!("no fault is called `{unknown}`: {hint}"));
        USAGE
    })
}

/// Suites and rules of a command: the built-in ones or a folder's. Slips are printed.
fn material(args: &SuiteArgs) -> Result<(Cow<'static, Suites>, Cow<'static, Rules>), u8> {
    let Some(dir) = &args.suites else {
        let built_in = Suites::built_in().map_err(text::slips)?;
        return Ok((Cow::Borrowed(built_in), Cow::Borrowed(Rules::embedded())));
    };
    if !dir.is_dir() {
        text::error(&format!(
            "--suites {}: there is no such folder. It takes one that is made like `suites` of the source; without it the built-in suites are used",
            dir.display()
        ));
        return Err(USAGE);
    }
    let loaded = Rules::load(dir).and_then(|rules| Suites::load(dir, &rules).map(|suites| (suites, rules)));
    loaded.map(|(suites, rules)| (Cow::Owned(suites), Cow::Owned(rules))).map_err(|slips| text::slips(&slips))
}

/// The runtime of every command that talks to somebody.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime needs only threads, which the system gives")
}

/// One word of a vocabulary: help lists them all, and a wrong one is told the nearest.
fn one_of<T: Copy + Send + Sync + std::str::FromStr<Err = String> + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl clap::builder::TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|known| word(*known))).try_map(|given| given.parse::<T>())
}

/// All as expected.
const OK: u8 = 0;
/// There are findings.
const FINDINGS: u8 = 1;
/// Something was blocked or in error, and there is no finding.
const BLOCKED: u8 = 2;
/// A case file or rule is wrong.
const WRONG_CASE: u8 = 3;
/// The usage or the profile is wrong.
const USAGE: u8 = 4;
/// A bug of ours (`EX_SOFTWARE`).
const BUG: u8 = 70;

const RUN_EXAMPLES: &str = "\
Examples:
  authspec run http://localhost:3000/mcp
  authspec run mine.toml --report out/
  authspec run mine.toml --only 'token/*' --skip token/code-race
  authspec run server --only token.code-one-time";
const SERVE_EXAMPLES: &str = "\
Examples:
  authspec serve server --fault token.code-replay-accepted
  authspec serve idp --port 9000 --personality entra

It prints READY and its URL, and serves until Ctrl-C.";
const MINT_EXAMPLES: &str = "\
Examples:
  authspec mint --idp http://127.0.0.1:9000/corp --aud https://my.server/mcp --scope mcp:read
  authspec mint --serve --aud https://my.server/mcp --claim exp=-1h --sign foreign
  authspec mint --idp http://127.0.0.1:9000/corp --aud https://my.server/mcp --opaque";
const INSPECT_EXAMPLES: &str = "\
Examples:
  pbpaste | authspec inspect - --issuer https://id.example.com --audience https://my.server/mcp
  curl -d grant_type=client_credentials ... https://id.example.com/token | authspec inspect -

Exit code: 0 nothing wrong · 1 something is · 2 it could not be checked · 4 no token";
const EXIT_CODES: &str = "\
Exit code: 0 all as expected · 1 findings · 2 something blocked or in error, no finding
           3 a case file is wrong · 4 usage or profile wrong · 70 our bug
Environment: SSL_CERT_FILE (PEM): an authority to trust · NO_COLOR · COLUMNS: width of reports";
