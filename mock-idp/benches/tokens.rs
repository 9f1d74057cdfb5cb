//! Tokens per second over HTTP by the client credentials grant, in one run beside the bare signing rate of one core and the
//! rate of an empty axum handler asked by the same client; and memory over a hundred thousand tokens. What is between them is a
//! handler that signs and does nothing else: no token endpoint can be faster than that.
//!
//! Rounds of the four take turns: the rates are the best of all rounds, the percentages the median of what each round came to.
//! `cargo bench -p mock-idp`, with `-- EdDSA` for one algorithm alone. Numbers are printed, never asserted. The rates are
//! those of this machine as busy as it is; the processor time of one of each (client and server together) says the same on
//! a machine that has other things to do.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_idp::{Alg, MockIdp, Options, TokenSpec};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

// The binary has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let idp = MockIdp::start(Options::default()).await.expect("the IdP starts");
        let empty = handler(None).await;
        // Made once: to set one up is to read the certificates of the system.
        let libraries: Vec<_> = (0..CONNECTIONS).map(|_| reqwest::Client::new()).collect();
        println!("{:8} {:^43} {:^38} {:^35}", "", "a second", "rate in % of", "processor time");
        println!(
            "{:8} {:>10} {:>10} {:>10} {:>10} {:>12} {:>12} {:>12} {:>8} {:>8} {:>8} {:>8}",
            "",
            "signing",
            "empty",
            "signs",
            "tokens",
            "signing",
            "signs",
            "empty",
            "signing",
            "empty",
            "signs",
            "token"
        );
        let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        let is_wanted = |alg: &Alg| wanted.is_empty() || wanted.iter().any(|name| name == alg.name());
        let algs = [Alg::Rs256, Alg::Es256, Alg::EdDsa].into_iter().filter(is_wanted);
        for (alg, full) in algs.flat_map(|alg| [(alg, false), (alg, true)]) {
            let issuer = idp.issuer(&alg.name().to_lowercase());
            issuer.configure(|config| config.alg = alg);
            let (signs, place) = (handler(Some(alg)).await, issuer.endpoint_url("token"));
            let mut best = [Measured::NONE; 4];
            let mut shares = [(); 3].map(|()| Vec::new());
            let clients = full.then_some(&*libraries);
            for _ in 0..ROUNDS {
                let (bare, signs) = (ask(&empty, clients).await, ask(&signs, clients).await);
                let round = [sign_only(alg), bare, signs, ask(&place, clients).await];
                let [others @ .., tokens] = &round;
                shares.iter_mut().zip(others).for_each(|(of, other)| of.push(100.0 * tokens.rate / other.rate));
                best.iter_mut().zip(round).for_each(|(best, one)| *best = best.best(one));
            }
            let name = format!("{}{}", alg.name(), if full { " *" } else { "" });
            let [signing, bare, signs, tokens] = best;
            let [of_signing, of_bare, of_signs] = shares.map(median);
            println!(
                "{name:8} {:10.0} {:10.0} {:10.0} {:10.0} {of_signing:11.0}% {of_signs:11.0}% {of_bare:11.0}% \
                 {:5.0} us {:5.0} us {:5.0} us {:5.0} us",
                signing.rate, bare.rate, signs.rate, tokens.rate, signing.cost, bare.cost, signs.cost, tokens.cost,
            );
        }
        println!("* asked by reqwest; the others by a client that does as little as possible");
        memory(&idp).await;
        idp.stop().await;
    });
}

/// Of the ratios of all rounds: what stands side by side is compared, because the machine is faster at one time than at another.
fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// How often in a second, and what one costs.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    /// Microseconds of processor time.
    cost: f64,
}

impl Measured {
    const NONE: Self = Self { rate: 0.0, cost: f64::INFINITY };

    fn since(began: Instant, before: Duration, count: u64) -> Self {
        let (took, spent) = (began.elapsed().as_secs_f64(), (processor_time() - before).as_secs_f64());
        Self { rate: float(count) / took, cost: 1e6 * spent / float(count.max(1)) }
    }

    fn best(self, other: Self) -> Self {
        Self { rate: self.rate.max(other.rate), cost: self.cost.min(other.cost) }
    }
}

/// Signatures on this thread alone, over a message as long as a token's.
fn sign_only(alg: Alg) -> Measured {
    let sign = signer(alg);
    let message = vec![b'x'; MESSAGE];
    let (began, before, mut count) = (Instant::now(), processor_time(), 0);
    while began.elapsed() < ROUND {
        std::hint::black_box(sign(std::hint::black_box(&message)));
        count += 1;
    }
    Measured::since(began, before, count)
}

type Signer = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Nothing but the signature, by the library that the provider signs with.
fn signer(alg: Alg) -> Signer {
    const SIGNS: &str = "a parsed key signs";
    let der = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body).expect("a PEM file")
    };
    match alg {
        Alg::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(&der(include_str!("../keys/eddsa-1.pem"))).expect("a key");
            Box::new(move |message| pair.sign(message).as_ref().to_vec())
        }
        Alg::Es256 => {
            let der = der(include_str!("../keys/es256-1.pem"));
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).expect("a key");
            Box::new(move |message| pair.sign(&SystemRandom::new(), message).expect(SIGNS).as_ref().to_vec())
        }
        _ => {
            let pair = RsaKeyPair::from_pkcs8(&der(include_str!("../keys/rs256-1.pem"))).expect("a key");
            Box::new(move |message| {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect(SIGNS);
                signature
            })
        }
    }
}

/// A handler that reads a form and says as much as a token response says; with an algorithm it signs as much before.
async fn handler(alg: Option<Alg>) -> String {
    let body = format!("{{\"access_token\":\"{}\"}}", "x".repeat(MESSAGE + 86));
    let sign = alg.map(|alg| Arc::new(signer(alg)));
    let answer = move |_: String| {
        let signature = sign.as_ref().map(|sign| sign(std::hint::black_box(&body.as_bytes()[..MESSAGE])));
        std::hint::black_box(signature);
        std::future::ready(body.clone())
    };
    let app = axum::Router::new().route("/token", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/token", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Requests over connections that stay open: of these clients, or of as many that do as little as possible.
async fn ask(url: &str, libraries: Option<&[reqwest::Client]>) -> Measured {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|at| {
            let (url, stop, count) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&count));
            let library = libraries.map(|all| all[at].clone());
            tokio::spawn(async move {
                let mut lean = Client::open(&url).await;
                while !stop.load(Ordering::Relaxed) {
                    match &library {
                        Some(library) => post(library, &url).await,
                        None => lean.post().await,
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // The first requests open connections and parse keys.
    tokio::time::sleep(ROUND / 5).await;
    let (first, began, before) = (count.load(Ordering::Relaxed), Instant::now(), processor_time());
    tokio::time::sleep(ROUND).await;
    let measured = Measured::since(began, before, count.load(Ordering::Relaxed) - first);
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client ends");
    }
    measured
}

/// A request as an application sends it.
async fn post(client: &reqwest::Client, url: &str) {
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(FORM);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success());
    let body = answer.text().await.expect("a body");
    assert!(body.contains("access_token"));
}

/// As little of an HTTP client as will do, so that the server is what is measured.
struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    async fn open(url: &str) -> Self {
        let rest = url.strip_prefix("http://").expect("plain HTTP");
        let (host, path) = rest.split_once('/').expect("a path");
        let request = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\naccept: application/json\r\n\r\n{FORM}",
            FORM.len()
        );
        let stream = TcpStream::connect(host).await.expect("a connection");
        stream.set_nodelay(true).expect("an option of every socket");
        Self { stream, request: request.into_bytes(), buffer: vec![0; 16 * 1024] }
    }

    /// One request, and its answer to the last byte.
    async fn post(&mut self) {
        self.stream.write_all(&self.request).await.expect("a request");
        let (mut filled, mut whole) = (0, usize::MAX);
        while filled < whole {
            filled += self.stream.read(&mut self.buffer[filled..]).await.expect("an answer");
            if whole == usize::MAX {
                whole = length(&self.buffer[..filled]).unwrap_or(usize::MAX);
            }
        }
        assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer[..filled]));
    }
}

/// Bytes of an answer whose head is complete.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + 4 + line.parse::<usize>().ok()?)
}

/// Resident memory while a hundred thousand tokens are issued, and what one minted token costs.
async fn memory(idp: &MockIdp) {
    let issuer = idp.issuer("memory");
    issuer.configure(|config| config.alg = Alg::Es256);
    let url = issuer.endpoint_url("token");
    println!("\n{:>10} {:>10}", "tokens", "resident");
    for step in 0..=5_u32 {
        if step > 0 {
            let each = 20_000 / CONNECTIONS;
            let clients: Vec<_> = (0..CONNECTIONS)
                .map(|_| {
                    let url = url.clone();
                    tokio::spawn(async move {
                        let mut client = Client::open(&url).await;
                        for _ in 0..each {
                            client.post().await;
                        }
                    })
                })
                .collect();
            for client in clients {
                client.await.expect("a client ends");
            }
        }
        println!("{:>10} {:>6} MiB", step * 20_000, resident_kib() / 1024);
    }
    let began = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(issuer.mint(TokenSpec::default()));
    }
    println!("\nmint, ES256 {:>18.1?} a token", began.elapsed() / 1000);
}

/// Processor time of this process, all threads, to a hundredth of a second; zero where the system does not tell.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may have spaces; user and system time are the 12th and 13th field behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(10 * fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>())
}

/// `VmRSS` of this process in KiB; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
fn float(count: u64) -> f64 {
    count as f64
}

const FORM: &str = "grant_type=client_credentials&client_id=mcp-upstream&client_secret=secret&scope=read";
const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_millis(300);
const ROUNDS: usize = 15;
/// Bytes of header and claims of a token, in base64url.
const MESSAGE: usize = 400;
