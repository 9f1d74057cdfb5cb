//! Measures, in one process and one run: the whole suite on the embedded reference against a bare reqwest loop over as many
//! exchanges, time to the first verdict, memory, whether ten runs give ten identical verdict lists, and the forged-token
//! battery against the references that take the tokens of another issuer.
//!
//! `cargo bench --bench suite`, with `-- forged` for the battery alone. Numbers are printed, never asserted.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::{Duration, Instant};

use authspec::event::Event;
use authspec::reference::{Deployment, Reference};
use authspec::rule::Rules;
use authspec::run::{self, Keep, Material, Options};
use authspec::suite::{Case, Suites, Verb};
use fixtures::Faults;

// The binary has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        if wanted.is_empty() {
            suite_and_bare_loop().await;
        }
        forged_batteries().await;
    });
}

async fn suite_and_bare_loop() {
    let began = Instant::now();
    let idp = mock_idp::MockIdp::start(mock_idp::Options::default()).await.expect("the IdP starts");
    let answer =
        reqwest::get(format!("{}/bench/.well-known/openid-configuration", idp.base_url())).await.expect("an answer");
    println!("idp, start to first answer        {:>9.1?} (status {})", began.elapsed(), answer.status());
    idp.stop().await;

    let first = whole_suite(&Options::default()).await;
    // What a process needs that runs the suite once, as users do.
    let memory = peak_memory_kib();
    let recorded = whole_suite(&Options { keep: Keep::All, ..Options::default() }).await;
    let exchanges = recorded.exchanges;
    let (mut lists, mut best, mut bare) = (vec![first.verdicts.clone()], first, Duration::MAX);
    for _ in 1..RUNS {
        // In turns: what else the machine does meets both.
        let measured = whole_suite(&Options::default()).await;
        let bare_loop = tokio::task::spawn_blocking(move || on_one_thread(bare_loop(exchanges)));
        bare = bare.min(bare_loop.await.expect("a thread"));
        lists.push(measured.verdicts.clone());
        best = if measured.total < best.total { measured } else { best };
    }
    let beside = bare_loop(exchanges).await;
    let identical = lists.windows(2).all(|w| w[0] == w[1]);
    println!("exchanges of the suite            {exchanges:>9}");
    println!("verdicts                          {:>9}", best.verdicts.len());
    println!("first verdict                     {:>9.1?}", best.first);
    println!("whole suite (best of {RUNS})           {:>9.1?}", best.total);
    println!(
        "bare reqwest loop, as many        {:>9.1?}  ({:.0} us an exchange, client and server on one thread; best of {})",
        bare,
        micros(bare, exchanges),
        RUNS - 1
    );
    println!(
        "the same on the suite's runtime   {:>9.1?}  ({:.0} us an exchange, most of it waking another thread)",
        beside,
        micros(beside, exchanges)
    );
    println!("the same with every exchange kept {:>9.1?}", recorded.total);
    println!("ratio to the loop on one thread   {:>9.2}", best.total.as_secs_f64() / bare.as_secs_f64());
    println!("ratio to the suite's runtime      {:>9.2}", best.total.as_secs_f64() / beside.as_secs_f64());
    println!("{RUNS} runs, identical verdict lists    {:>9}", if identical { "yes" } else { "NO" });
    println!("peak memory of the first run      {:>6} MiB", memory / 1024);
    println!("peak memory of all of this        {:>6} MiB", peak_memory_kib() / 1024);
}

async fn forged_batteries() {
    for deployment in [Deployment::ScopedApi, Deployment::Server] {
        let took = |battery: &Measured| battery.total - battery.seen;
        let recorded = forged_tokens(deployment, &Options { keep: Keep::All, ..Options::default() }).await;
        let mut battery = forged_tokens(deployment, &Options::default()).await;
        for _ in 1..RUNS {
            let again = forged_tokens(deployment, &Options::default()).await;
            battery = if took(&again) < took(&battery) { again } else { battery };
        }
        println!(
            "forged tokens, {:<18} {:>9.1?}  ({} cases, {} verdicts, {} exchanges; without the preflight; best of {RUNS})",
            deployment.name(),
            took(&battery),
            battery.cases,
            battery.verdicts.len(),
            recorded.exchanges
        );
    }
}

/// What a run came to; times count from before the reference is started.
#[derive(Default)]
struct Measured {
    /// When the preflight was done.
    seen: Duration,
    /// When the first case was judged.
    first: Duration,
    total: Duration,
    cases: usize,
    exchanges: usize,
    verdicts: Vec<String>,
}

async fn whole_suite(options: &Options) -> Measured {
    judged(Deployment::Server, Suites::embedded(), options).await
}

/// Every case that makes tokens of its own and waits for nothing.
async fn forged_tokens(deployment: Deployment, options: &Options) -> Measured {
    let mut suites = Suites::embedded().clone();
    let forges = |case: &Case| case.area == "resource" && case.steps.iter().any(|step| step.verb == Verb::Mutate);
    suites.cases.retain(|case| forges(case) && !case.is_slow() && !case.is_alone());
    judged(deployment, &suites, options).await
}

async fn judged(deployment: Deployment, suites: &Suites, options: &Options) -> Measured {
    let began = Instant::now();
    let reference = Reference::start(deployment, Faults::none()).await.expect("the reference starts");
    let material = Material { suites, rules: Rules::embedded() };
    let mut measured = Measured::default();
    let mut sink = |event: Event| match event {
        Event::Started(_) => measured.seen = began.elapsed(),
        Event::Finished(finished) => {
            if measured.cases == 0 {
                measured.first = began.elapsed();
            }
            measured.cases += 1;
            measured.exchanges += finished.exchanges.len();
            measured.verdicts.extend(
                finished.results.iter().map(|r| format!("{} {:?} {} {}", r.case, r.variant, r.rule, r.verdict)),
            );
        }
        Event::Ended(_) => measured.total = began.elapsed(),
        _ => {}
    };
    run::run(&reference.profile, reference.helpers.clone(), material, options, std::future::pending(), &mut sink)
        .await
        .expect("the reference can be judged");
    reference.stop().await;
    measured
}

/// The same number of exchanges with nothing around them: half GET, half form POST, one after the other.
async fn bare_loop(exchanges: usize) -> Duration {
    let app =
        axum::Router::new().route("/", axum::routing::get(|| async { "ok" }).post(|body: String| async move { body }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::new();
    let began = Instant::now();
    for n in 0..exchanges {
        let request = if n % 2 == 0 {
            client.get(&url)
        } else {
            client.post(&url).body("grant_type=authorization_code&code=abc")
        };
        let answer = request.send().await.expect("an answer");
        answer.bytes().await.expect("a body");
    }
    let took = began.elapsed();
    server.abort();
    took
}

/// With a runtime of its own that has one thread: nothing has to be woken on another processor.
fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

#[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
fn micros(total: Duration, count: usize) -> f64 {
    total.as_secs_f64() * 1e6 / count as f64
}

/// `VmHWM` of this process in KiB; 0 where the system does not tell.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

const RUNS: usize = 10;
