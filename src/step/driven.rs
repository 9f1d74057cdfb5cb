//! The MCP client under test: something that can be started against a server, and ends.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::target::launch::{self, Browser, SEEN};
use crate::target::{Launch, Secret};

/// Starts the client against the URL of an MCP server and waits for its end.
#[derive(Clone)]
pub struct Driven(Arc<dyn Fn(String) -> BoxFuture<'static, Result<Ended, String>> + Send + Sync>);

/// How a client ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; absent if it had to be ended.
    pub code: Option<i32>,
    /// The same in words.
    pub how: String,
    /// The last lines that it printed, oldest first.
    pub lines: Vec<String>,
    /// The URLs that it gave its browser, in order.
    pub opened: Vec<String>,
    /// What the browser showed.
    pub shown: String,
}

impl Driven {
    /// A client in this process.
    #[must_use]
    pub fn within(start: impl Fn(String) -> BoxFuture<'static, Ended> + Send + Sync + 'static) -> Driven {
        Driven(Arc::new(move |url| {
            let running = start(url);
            Box::pin(async move { Ok(running.await) })
        }))
    }

    /// A program; in its arguments, `{url}` is the URL of the server. The browser that its variables name stays as long as it.
    #[must_use]
    pub fn program(launch: Launch, browser: Browser) -> Driven {
        let held = Arc::new((launch, browser));
        Driven(Arc::new(move |url| {
            let held = Arc::clone(&held);
            Box::pin(async move {
                let (launch, browser) = &*held;
                let visit = browser.visit().map_err(|e| format!("the client's browser cannot be set up: {e}"))?;
                let mut launch = launch.clone();
                launch.env.push((SEEN.to_owned(), Secret::new(visit.path().to_string_lossy())));
                let launch::End { code, how, lines } = launch::to_end(&launch, &[("url", &url)]).await?;
                Ok(Ended { code, how, lines, opened: visit.opened(), shown: visit.shown() })
            })
        }))
    }

    /// Starts it and waits until it ends.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn run(&self, url: &str) -> Result<Ended, String> {
        (self.0)(url.to_owned()).await
    }
}

impl fmt::Debug for Driven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driven")
    }
}
