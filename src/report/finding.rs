//! One finding in full: what happened, the proof, whose fault it is, how to mend it, how to see it again.

use anstyle::Style;

use super::evidence;
use super::group::Group;
use super::look::{self, FAINT, Look, STRONG};
use super::model::Report;
use super::phrase::{in_words, obstacle_in_words};
use super::text::{columns, cut, plural, tidy, wrap};
use crate::diag::{shell_word, shell_words};
use crate::event::{CaseResult, Seen, Verdict};
use crate::rule::Role;
use crate::transcript::RedactedExchange;

/// A finding as lines: the first of its group in full, the others one line each.
pub(super) fn block(report: &Report, group: &Group<'_>, look: &Look) -> Vec<String> {
    let mut page = Page { look, lines: Vec::new() };
    let result = group.lead;
    page.head(result);
    page.text(&obstacle_in_words(&result.message), Style::new());
    if let Some(why) = result.why.as_deref().filter(|_| matches!(result.verdict, Verdict::Fail | Verdict::Warn)) {
        page.field("why", why);
    }
    if matches!(result.verdict, Verdict::Blocked | Verdict::Error) {
        page.field("at", &result.place);
    }
    page.field("where", result.deployment.as_deref().unwrap_or_default());
    page.field("expected", &in_words(&result.expected));
    page.field("got", &in_words(&result.actual));
    page.exchanges(report, result);
    page.field("seen", result.seen.map_or("", in_attempts));
    if matches!(result.verdict, Verdict::Fail | Verdict::Warn) {
        page.field("who", &result.party.replace('-', " "));
        page.field("mend", &result.remedy);
    }
    page.command("again", &again(report, group));
    page.others(group);
    page.lines
}

/// How often it came, in words.
fn in_attempts(seen: Seen) -> &'static str {
    match seen {
        Seen::Twice => "twice, the second time by itself after all other cases",
        Seen::OnceOfTwo => {
            "once of two attempts: it did not come again when the case was tried by itself after all others"
        }
    }
}

/// A finding in one line: `FAIL  token.code-one-time  token/code-one-time: message`.
pub(super) fn line(result: &CaseResult, look: &Look) -> String {
    let word = word(result);
    let place = result.deployment.as_deref().map(|name| format!(" at {}", tidy(name, NAME))).unwrap_or_default();
    let rest = format!("  {}{place}: {}", subject(result), tidy(&result.message, MESSAGE));
    look.paint(look::of_verdict(result.verdict), word) + &cut(&rest, look.width().saturating_sub(columns(word)))
}

/// `case` or `case[variant]`.
pub(super) fn name(result: &CaseResult) -> String {
    match &result.variant {
        Some(variant) => format!("{}[{}]", tidy(&result.case, NAME), tidy(variant, NAME)),
        None => tidy(&result.case, NAME),
    }
}

/// Which exchange brought the metadata document that a rule is about.
fn document(result: &CaseResult, shown: &[&RedactedExchange]) -> Option<usize> {
    let names: &[&str] = match result.rule.split('.').next() {
        Some("prm") => &["oauth-protected-resource"],
        Some("as-meta") => &["oauth-authorization-server", "openid-configuration"],
        // Of a client the request that is judged, which lies between the first and the last.
        Some(_) if result.role == Role::Client => {
            let judged = REQUESTS.iter().find(|(fact, _)| result.expected.contains(fact));
            let (_, path) = judged?;
            return shown.iter().rposition(|exchange| exchange.request.url.contains(path));
        }
        _ => return None,
    };
    shown.iter().rposition(|exchange| {
        names.iter().any(|name| exchange.request.url.contains(name))
            && exchange.response.as_ref().is_some_and(|response| response.status == 200)
    })
}

/// What facts about a client say, and the endpoint that they are about.
const REQUESTS: [(&str, &str); 13] = [
    ("ran ", "oauth-authorization-server"),
    ("opened ", "oauth-authorization-server"),
    ("grants ", "/token"),
    ("stale-refreshes", "/token"),
    ("again.verifier", "/token"),
    ("again.authorizations", "/authorize"),
    ("requests.register", "/register"),
    ("redirect-registered", "/authorize"),
    ("requests.authorize", "/authorize"),
    ("again.state", "/authorize"),
    ("resource.authorize", "/authorize"),
    ("resource.", "/token"),
    ("requests.token", "/token"),
];

/// The command that repeats the finding on the same target: the variant, or the whole case if several of its variants show it.
fn again(report: &Report, group: &Group<'_>) -> Vec<String> {
    let result = group.lead;
    let mut words: Vec<String> = shell_words(report.again_of(result)).iter().map(|word| tidy(word, MESSAGE)).collect();
    if !words.is_empty() {
        let single = result.variant.as_ref().filter(|_| group.others.iter().all(|other| other.case != result.case));
        let named = single.map_or_else(|| result.case.clone(), |variant| format!("{}[{variant}]", result.case));
        words.extend(["--only".to_owned(), tidy(&shell_word(&named), MESSAGE)]);
    }
    words
}

/// The verdict as the first word of a finding.
pub(super) fn word(result: &CaseResult) -> &'static str {
    match result.verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Warn => "WARN",
        Verdict::Blocked => "BLOCKED",
        Verdict::Error => "ERROR",
        Verdict::NotApplicable => "SKIP",
    }
}

/// Rule and case, or the case alone when no rule was reached.
fn subject(result: &CaseResult) -> String {
    if result.rule.is_empty() { name(result) } else { format!("{}  {}", tidy(&result.rule, NAME), name(result)) }
}

/// The name of a result beside another one: the variant, if the case is the same.
fn brief(lead: &CaseResult, other: &CaseResult) -> String {
    match &other.variant {
        Some(variant) if other.case == lead.case => format!("[{}]", tidy(variant, NAME)),
        _ => name(other),
    }
}

/// What a result got, or what stopped it.
fn said(result: &CaseResult) -> String {
    if result.actual.is_empty() { obstacle_in_words(&result.message) } else { in_words(&result.actual) }
}

/// Results by what they say, in the order in which it is said first.
fn alike<'a>(results: &[&'a CaseResult]) -> Vec<(String, Vec<&'a CaseResult>)> {
    let mut alike: Vec<(String, Vec<&CaseResult>)> = Vec::new();
    for result in results {
        let text = said(result);
        match alike.iter_mut().find(|(known, _)| *known == text) {
            Some((_, same)) => same.push(result),
            None => alike.push((text, vec![result])),
        }
    }
    alike
}

/// The names of many results, the variants of a case together: `token/code[a, b], token/refresh`.
fn together(results: &[&CaseResult]) -> String {
    let mut cases: Vec<(&str, Vec<String>)> = Vec::new();
    for result in results {
        let variant = result.variant.iter().map(|variant| tidy(variant, NAME));
        match cases.iter_mut().find(|(case, _)| *case == result.case) {
            Some((_, variants)) => variants.extend(variant),
            None => cases.push((&result.case, variant.collect())),
        }
    }
    let name = |(case, variants): &(&str, Vec<String>)| match variants.as_slice() {
        [] => tidy(case, NAME),
        some => format!("{}[{}]", tidy(case, NAME), some.join(", ")),
    };
    cases.iter().map(name).collect::<Vec<_>>().join(", ")
}

struct Page<'a> {
    look: &'a Look,
    lines: Vec<String>,
}

impl Page<'_> {
    /// Verdict, rule, level and source to the left, the case to the right; what does not fit goes to lines of its own.
    fn head(&mut self, result: &CaseResult) {
        let word = word(result);
        let mut left = String::new();
        if !result.rule.is_empty() {
            left = format!("  {}   {}   {}", tidy(&result.rule, NAME), result.level, tidy(&result.source, NAME));
        }
        let right = name(result);
        let width = self.look.width();
        let taken = columns(word) + columns(&left);
        let painted = self.look.paint(look::of_verdict(result.verdict), word);
        if taken + 2 + columns(&right) <= width {
            let gap = " ".repeat(width - taken - columns(&right));
            self.lines.push(format!("{painted}{}{gap}{right}", self.look.paint(STRONG, &left)));
            return;
        }
        let mut parts = wrap(&left, width - columns(word) - 2).into_iter();
        let first = parts.next().unwrap_or_default();
        self.lines.push(format!("{painted}  {}", self.look.paint(STRONG, first)));
        for part in parts.chain(wrap(&right, width - INDENT)) {
            self.push(&part, STRONG);
        }
    }

    fn text(&mut self, text: &str, style: Style) {
        if !text.is_empty() {
            for line in wrap(&tidy(text, MESSAGE), self.look.width() - INDENT) {
                self.push(&line, style);
            }
        }
    }

    /// A label and its text, wrapped beside it; nothing if there is no text.
    fn field(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.labelled(label, wrap(&tidy(text, MESSAGE), self.look.width() - INDENT - LABEL));
        }
    }

    /// A command, broken so that it can still be copied.
    fn command(&mut self, label: &str, words: &[String]) {
        if words.is_empty() {
            return;
        }
        let room = self.look.width() - INDENT - LABEL - 2;
        let mut lines = vec![String::new()];
        for word in words {
            let line = lines.last_mut().expect("there is always a line");
            if line.is_empty() {
                line.push_str(word);
            } else if columns(line) + 1 + columns(word) <= room {
                line.push(' ');
                line.push_str(word);
            } else {
                line.push_str(" \\");
                lines.push(word.clone());
            }
        }
        self.labelled(label, lines);
    }

    fn labelled(&mut self, label: &str, lines: Vec<String>) {
        for (at, line) in lines.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let label = self.look.paint(FAINT, format!("{label:LABEL$}"));
            self.lines.push(format!("{:INDENT$}{label}{line}", ""));
        }
    }

    /// The exchanges of the finding, or of many the first and the last: how it began, and the one that decides. Of those of a
    /// discovery the document that the rule is about decides.
    fn exchanges(&mut self, report: &Report, result: &CaseResult) {
        let home = report.home_of(result);
        let shown: Vec<_> = result.exchanges.iter().filter_map(|id| report.exchange(*id)).collect();
        let between = if shown.len() > EXCHANGES { 1..shown.len() - 1 } else { 0..0 };
        let document = document(result, &shown);
        let hidden: Vec<usize> = between.filter(|at| document != Some(*at)).collect();
        let several = shown.windows(2).any(|pair| pair[0].by != pair[1].by);
        for (at, exchange) in shown.iter().enumerate() {
            if hidden.first() == Some(&at) {
                let text = plural(hidden.len(), "exchange", "exchanges");
                self.field("…", &format!("{text} between them (--report keeps them)"));
            }
            if hidden.contains(&at) {
                continue;
            }
            let who = if several { format!("{}: ", tidy(&exchange.by, NAME)) } else { String::new() };
            let line = format!("{who}{}", evidence::line(exchange, home));
            self.labelled(&format!("#{}", exchange.id), wrap(&line, self.look.width() - INDENT - LABEL));
        }
    }

    /// The other results of the group: those that say the same together, by their names; the rest one line each.
    fn others(&mut self, group: &Group<'_>) {
        if group.others.is_empty() {
            return;
        }
        let room = self.look.width() - INDENT - LABEL;
        let lead = said(group.lead);
        let (many, few): (Vec<_>, Vec<_>) = alike(&group.others).into_iter().partition(|(_, same)| same.len() >= LIST);
        let number = group.others.len();
        let same = few.is_empty() && many.iter().all(|(text, _)| *text == lead);
        self.field(
            "also",
            &match same {
                true => plural(number, "more result that says the same:", "more results that say the same:"),
                false => plural(number, "more result like this:", "more results like this:"),
            },
        );
        let mut lines = Vec::new();
        for (text, results) in &many {
            let indent = if same { 0 } else { NAMES };
            if !same {
                let text = if *text == lead { "the same" } else { text };
                lines.extend(wrap(&format!("{}:", tidy(text, MESSAGE)), room));
            }
            lines.extend(
                wrap(&together(results), room - indent).into_iter().map(|line| format!("{:indent$}{line}", "")),
            );
        }
        let few: Vec<_> = few.into_iter().flat_map(|(_, results)| results).collect();
        let named: Vec<_> = few.into_iter().map(|other| (brief(group.lead, other), other)).collect();
        let widest = named.iter().take(OTHERS).map(|(name, _)| columns(name)).max().unwrap_or(0).min(room / 2);
        lines.extend(named.iter().map(|(name, other)| {
            let gap = " ".repeat(widest.saturating_sub(columns(name)) + 2);
            cut(&format!("{name}{gap}{}", tidy(&said(other), MESSAGE)), room)
        }));
        for line in lines.iter().take(OTHERS) {
            self.push(&format!("{:LABEL$}{line}", ""), Style::new());
        }
        let left_out = lines.len().saturating_sub(OTHERS);
        if left_out > 0 {
            self.push(&format!("{:LABEL$}… and {left_out} more (--report has them)", ""), Style::new());
        }
    }

    fn push(&mut self, line: &str, style: Style) {
        self.lines.push(format!("{:INDENT$}{}", "", self.look.paint(style, line)));
    }
}

/// Columns before the text of a finding, and of a label.
const INDENT: usize = 6;
const LABEL: usize = 10;
/// Characters of one text, of one name.
const MESSAGE: usize = 400;
const NAME: usize = 80;
/// Exchanges of one finding, and other results of its group, that are shown.
const EXCHANGES: usize = 3;
const OTHERS: usize = 30;
/// From so many results on that say the same, only their names are listed.
const LIST: usize = 3;
/// Columns before a list of names.
const NAMES: usize = 2;
