//! `authspec browse`: the browser of a client under test. Our authorization server asks nobody, so that all there is to do is
//! to follow redirects.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use authspec::target::launch::SEEN;
use tokio::time::{Instant, sleep};
use url::{Host, Url};

use super::{BLOCKED, BrowseArgs, OK, USAGE, runtime, text};

/// Follows a URL to its end and gives the exit code.
pub fn main(args: &BrowseArgs) -> u8 {
    let Some(url) = Url::parse(&args.url).ok().filter(is_near) else {
        text::error("only http URLs of this machine are opened: that is where the servers of a run are");
        return USAGE;
    };
    match runtime().block_on(follow(url)) {
        Ok(page) => {
            let seen = |line: &str| line.chars().filter(|letter| !letter.is_control()).collect::<String>();
            page.lines().for_each(|line| text::line(&seen(line)));
            OK
        }
        Err(reason) => {
            text::error(&reason);
            BLOCKED
        }
    }
}

/// Redirects up to a page, or to a place that is not here. What the page says.
async fn follow(mut url: Url) -> Result<String, String> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(|e| format!("no browser: {e}"))?;
    for _ in 0..MOST_HOPS {
        let answer = opened(&client, &url).await?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        match location.filter(|_| answer.status().is_redirection()).and_then(|to| url.join(to).ok()) {
            Some(next) if is_near(&next) => url = next,
            _ => return Ok(page(answer).await),
        }
    }
    Err("there were too many redirects".to_owned())
}

async fn page(mut answer: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST {
            body.truncate(LARGEST);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// Some clients open the browser before they listen for its answer.
async fn opened(client: &reqwest::Client, url: &Url) -> Result<reqwest::Response, String> {
    let began = Instant::now();
    // Where it would tell what it saw goes when the client has ended: an answer to that one is not one to the next.
    let seen = std::env::var_os(SEEN);
    loop {
        if seen.as_ref().is_some_and(|folder| !Path::new(folder).is_dir()) {
            return Err("the client has ended".to_owned());
        }
        match client.get(url.clone()).send().await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.is_connect() && began.elapsed() < PATIENCE => sleep(AGAIN).await,
            Err(error) => return Err(format!("nobody answered: {}", error.without_url())),
        }
    }
}

fn is_near(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        }
}

/// Bytes of a page that are shown.
const LARGEST: usize = 64 * 1024;
const MOST_HOPS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);
