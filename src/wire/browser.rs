//! A user agent with its own cookie jar: follows redirects, reads pages, submits forms.

use std::sync::Arc;

use super::form::{Button, Form};
use super::initiator::Initiator;
use super::jar::Jar;
use super::navigation::{Navigation, Target, location};
use super::page::Page;
use super::recorder::Wire;
use crate::transcript::{Failure, Outcome, Request, Response, Secret};

/// A user agent with its own cookie jar.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Its name: the user who sits in front of it.
    pub name: String,
    /// Its cookies.
    pub jar: Jar,
    /// The redirect that was not followed, with all that a browser would carry along.
    held: Option<(String, Navigation)>,
}

/// One visit: from the first request to the page at which a person would look.
#[derive(Debug, Clone)]
pub struct Visit {
    /// What it ended at.
    pub end: End,
    /// Each page on the way (there is more than one only if pages refresh to others); the last one is the end, if that
    /// is a page.
    pub pages: Vec<Arc<Page>>,
    /// The status of each hop.
    pub statuses: Vec<u16>,
    /// The Location texts that were seen, as they stood in the answers.
    pub redirects: Vec<String>,
}

/// What a visit ended at.
#[derive(Debug, Clone)]
pub enum End {
    /// More redirects than the limit allows.
    Loop,
    /// No answer came.
    NoAnswer(Failure),
    /// An answer that is no redirect.
    Page(Arc<Page>),
    /// A redirect that was not followed, because it met `stop`.
    Stopped {
        /// The Location's text; made absolute only if it was relative.
        location: String,
        /// The status that carried it.
        from: u16,
    },
}

type Stop<'a> = &'a (dyn Fn(&str) -> bool + Sync);

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new(name: &str) -> Browser {
        Browser { name: name.to_owned(), jar: Jar::default(), held: None }
    }

    /// The request that [`Browser::open`] would send first, with this browser's cookies.
    #[must_use]
    pub fn request(&self, request: Request) -> Request {
        Navigation::opened(request).request(&self.jar)
    }

    /// Opens a URL as if a person had typed it, and follows redirects until a page comes or a Location meets `stop`.
    ///
    /// Header fields of `request` go to its own URL only, not on to redirects.
    pub async fn open(&mut self, wire: &Wire, request: Request, stop: Stop<'_>) -> Visit {
        self.navigate(wire, Navigation::opened(request), stop).await
    }

    /// Fills in a form of `page` and presses `button`, or the Enter key (which presses the first button) for `None`.
    ///
    /// See [`Form::entries`] for how `values` are filled in.
    pub async fn submit(
        &mut self,
        wire: &Wire,
        page: &Page,
        form: &Form,
        values: &[(String, String)],
        button: Option<&Button>,
        stop: Stop<'_>,
    ) -> Visit {
        for (name, value) in values {
            if form.field(name).is_some_and(|field| field.kind == "password") {
                wire.learn(Secret::Password, value);
            }
        }
        // A form that a script submits is sent without any button.
        let default = form.buttons.first().filter(|_| page.auto_submit() != Some(form));
        let request = submission(form, values, button.or(default));
        self.navigate(wire, Navigation::led(request, Initiator::of(page)), stop).await
    }

    /// Follows a link of `page`, or goes wherever the page leads by itself.
    pub async fn follow(&mut self, wire: &Wire, page: &Page, url: &str, stop: Stop<'_>) -> Visit {
        let request = Request::get(&Target::of(url, url::Url::parse(&page.url).ok().as_ref()).text);
        self.navigate(wire, Navigation::led(request, Initiator::of(page)), stop).await
    }

    /// Goes where a redirect pointed that was stopped. If it was stopped in this browser, it goes on as if it had not been
    /// (307 and 308 repeat the form); a Location from elsewhere is opened.
    pub async fn resume(&mut self, wire: &Wire, location: &str, stop: Stop<'_>) -> Visit {
        let navigation = match self.held.take() {
            Some((held, navigation)) if held == location => navigation,
            _ => Navigation::opened(Request::get(location)),
        };
        self.navigate(wire, navigation, stop).await
    }

    async fn navigate(&mut self, wire: &Wire, mut navigation: Navigation, stop: Stop<'_>) -> Visit {
        let mut visit = Visit { end: End::Loop, pages: Vec::new(), statuses: Vec::new(), redirects: Vec::new() };
        self.held = None;
        for _ in 0..=wire.http().limits().max_redirects {
            let answer = wire.send_to(&self.name, navigation.request(&self.jar), navigation.place()).await;
            let response = match answer.outcome {
                Outcome::Answered(response) => response,
                Outcome::Failed(failure) => {
                    visit.end = End::NoAnswer(failure);
                    return visit;
                }
            };
            self.jar.take(&response, navigation.url(), navigation.place());
            visit.statuses.push(response.status);
            let Some((text, next)) = step(wire, &mut visit, navigation, answer.id, &response) else {
                return visit;
            };
            if stop(&text) {
                visit.end = End::Stopped { location: text.clone(), from: response.status };
                self.held = Some((text, next));
                return visit;
            }
            navigation = next;
        }
        visit
    }
}

impl Visit {
    /// The page at the end, if there is one.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        match &self.end {
            End::Page(page) => Some(page),
            _ => None,
        }
    }
}

/// Notes what came, and says where it leads: the absolute Location and the navigation to it. `None` at a page.
fn step(
    wire: &Wire,
    visit: &mut Visit,
    navigation: Navigation,
    exchange: u32,
    response: &Response,
) -> Option<(String, Navigation)> {
    if let Some(text) = location(response) {
        visit.redirects.push(text.to_owned());
        let target = Target::of(text, navigation.place());
        let location = target.text.clone();
        return Some((location, navigation.redirected(response.status, target, response)));
    }
    let page = Arc::new(Page::read(navigation.url(), navigation.place(), exchange, response));
    wire.learn_page(&page);
    let at_once =
        page.meta_refresh.clone().filter(|_| page.refresh_delay.is_some_and(|delay| delay <= LONGEST_REFRESH));
    visit.pages.push(Arc::clone(&page));
    if let Some(target) = at_once {
        visit.redirects.push(target.clone());
        let next = Navigation::led(Request::get(&target), Initiator::of(&page));
        return Some((target, next));
    }
    visit.end = End::Page(page);
    None
}

/// The request that submits a form (WHATWG HTML 4.10.21.3).
fn submission(form: &Form, values: &[(String, String)], button: Option<&Button>) -> Request {
    let entries = form.entries(values, button);
    let action = button.and_then(|button| button.formaction.as_deref()).unwrap_or(&form.action);
    let method = button.and_then(|button| button.formmethod.as_deref()).unwrap_or(&form.method);
    if method != "POST" {
        let (start, fragment) =
            action.split_once('#').map_or((action, None), |(start, fragment)| (start, Some(fragment)));
        let path = start.split('?').next().unwrap_or_default();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&entries).finish();
        let fragment = fragment.map(|text| format!("#{text}")).unwrap_or_default();
        return Request::get(&format!("{path}?{query}{fragment}"));
    }
    let mut request = match form.enctype.as_str() {
        "multipart/form-data" => multipart(action, &entries),
        "text/plain" => {
            let mut request = Request::new("POST", action).with("content-type", "text/plain");
            request.body = entries.iter().map(|(name, value)| format!("{name}={value}\r\n")).collect::<String>().into();
            request
        }
        _ => Request::form(action, &entries),
    };
    request.method = "POST".to_owned();
    request
}

fn multipart(action: &str, entries: &[(String, String)]) -> Request {
    let quoted = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let part = |(name, value): &(String, String)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n", quoted(name))
    };
    let mut request =
        Request::new("POST", action).with("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"));
    request.body = format!("{}--{BOUNDARY}--\r\n", entries.iter().map(part).collect::<String>()).into();
    request
}

/// Seconds after which a refreshing page still counts as a redirect.
const LONGEST_REFRESH: u32 = 1;

/// Parts the fields of a multipart body; no value of ours holds it.
const BOUNDARY: &str = "----authspec-form-boundary-7c9e6679f7425de1";

#[cfg(test)]
mod tests {
    use super::*;

    fn form(method: &str, enctype: &str) -> Form {
        Form { action: "http://h/do?old=1#f".into(), method: method.into(), enctype: enctype.into(), ..Form::default() }
    }

    #[test]
    fn a_get_form_replaces_the_query() {
        let values = [("a".to_owned(), "1 &".to_owned())];
        assert_eq!(submission(&form("GET", ""), &values, None).url, "http://h/do?a=1+%26#f");
        let post = submission(&form("POST", "application/x-www-form-urlencoded"), &values, None);
        assert_eq!((post.url.as_str(), &post.body[..]), ("http://h/do?old=1#f", &b"a=1+%26"[..]));
    }

    #[test]
    fn other_encodings() {
        let values = [("a\"".to_owned(), "1".to_owned())];
        let body =
            |enctype| String::from_utf8(submission(&form("POST", enctype), &values, None).body.to_vec()).expect("text");
        assert_eq!(body("text/plain"), "a\"=1\r\n");
        assert_eq!(
            body("multipart/form-data"),
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a%22\"\r\n\r\n1\r\n--{BOUNDARY}--\r\n")
        );
    }

    #[test]
    fn a_button_may_send_elsewhere() {
        let button = Button {
            name: "deny".into(),
            value: "1".into(),
            formaction: Some("http://h/deny".into()),
            formmethod: Some("POST".into()),
            ..Button::default()
        };
        let request = submission(&form("GET", ""), &[], Some(&button));
        assert_eq!(
            (request.method.as_str(), request.url.as_str(), &request.body[..]),
            ("POST", "http://h/deny", &b"deny=1"[..])
        );
    }
}
