//! Finding many secrets in a text in one pass.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// The texts to be found, each with the label that stands for it.
#[derive(Default)]
pub(super) struct Needles {
    known: Vec<(String, Arc<str>)>,
    groups: HashMap<Vec<u8>, Vec<usize>>,
    matcher: Option<Arc<Matcher>>,
}

/// A finder for the needles that were known when it was made.
pub(super) struct Matcher {
    /// Finds the beginnings; tokens are long and often share their beginning, so the automaton stays small.
    beginnings: Option<AhoCorasick>,
    /// For each beginning the needles that start with it, longest first.
    candidates: Vec<Vec<(String, Arc<str>)>>,
}

impl Needles {
    /// Adds a text; the first label of a text stays.
    pub(super) fn add(&mut self, text: &str, label: &Arc<str>) {
        if text.len() < 6 {
            return;
        }
        let beginning = text.as_bytes()[..text.len().min(BEGINNING)].to_vec();
        let group = self.groups.entry(beginning).or_default();
        if group.iter().any(|&index| self.known[index].0 == text) {
            return;
        }
        group.push(self.known.len());
        self.known.push((text.to_owned(), label.clone()));
        self.matcher = None;
    }

    /// The finder for everything that was added so far; made once and kept.
    pub(super) fn matcher(&mut self) -> Arc<Matcher> {
        if let Some(matcher) = &self.matcher {
            return matcher.clone();
        }
        let matcher = Arc::new(self.build());
        self.matcher = Some(matcher.clone());
        matcher
    }

    fn build(&self) -> Matcher {
        let mut beginnings = Vec::with_capacity(self.groups.len());
        let mut candidates = Vec::with_capacity(self.groups.len());
        for (beginning, group) in &self.groups {
            let mut needles: Vec<_> = group.iter().map(|&index| self.known[index].clone()).collect();
            needles.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
            beginnings.push(beginning);
            candidates.push(needles);
        }
        // A case adds secrets between most searches, so what counts is how fast the automaton is made.
        let kind = Some(AhoCorasickKind::NoncontiguousNFA);
        // The automaton is limited in size. Should it ever be too large, nothing leaks: each needle is then looked for by
        // itself.
        Matcher { beginnings: AhoCorasick::builder().kind(kind).build(beginnings).ok(), candidates }
    }
}

impl Matcher {
    /// `text` with every needle replaced by its label; the longest of those that begin first wins.
    pub(super) fn replace(&self, text: &str) -> String {
        let mut found = self.find(text);
        found.sort_unstable_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut replaced = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end, label) in found {
            if start >= at {
                replaced.push_str(&text[at..start]);
                replaced.push_str(label);
                at = end;
            } else if end > at {
                // Overlapping: what sticks out belongs to a secret as well.
                at = end;
            }
        }
        replaced.push_str(&text[at..]);
        replaced
    }

    fn find<'a>(&'a self, text: &str) -> Vec<(usize, usize, &'a str)> {
        let Some(beginnings) = &self.beginnings else {
            return self.find_slowly(text);
        };
        let mut found = Vec::new();
        for hit in beginnings.find_overlapping_iter(text) {
            let whole =
                self.candidates[hit.pattern().as_usize()].iter().find(|(needle, _)| is_at(text, hit.start(), needle));
            found.extend(whole.map(|(needle, label)| (hit.start(), hit.start() + needle.len(), &**label)));
        }
        found
    }

    fn find_slowly<'a>(&'a self, text: &str) -> Vec<(usize, usize, &'a str)> {
        let needles = self.candidates.iter().flatten();
        let hits = needles
            .flat_map(|(needle, label)| text.match_indices(needle.as_str()).map(move |(at, _)| (at, needle, label)));
        hits.filter(|(at, needle, _)| is_at(text, *at, needle))
            .map(|(at, needle, label)| (at, at + needle.len(), &**label))
            .collect()
    }
}

/// Whether `needle` stands at `start`; a short one must not be part of a longer word.
fn is_at(text: &str, start: usize, needle: &str) -> bool {
    let end = start + needle.len();
    let bytes = text.as_bytes();
    if bytes.get(start..end) != Some(needle.as_bytes()) {
        return false;
    }
    let is_word = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    // `%3Dsecret`: the `D` is the end of an encoded `=`.
    let after_escape =
        start >= 3 && bytes[start - 3] == b'%' && bytes[start - 2..start].iter().all(u8::is_ascii_hexdigit);
    let before = start > 0 && is_word(start - 1) && !after_escape;
    needle.len() >= SURE || !(before || is_word(end))
}

/// So many bytes of a needle go into the automaton.
const BEGINNING: usize = 16;

/// Needles of this length do not occur by chance within a longer word.
const SURE: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn needles(texts: &[&str]) -> Arc<Matcher> {
        let mut needles = Needles::default();
        for (index, text) in texts.iter().enumerate() {
            needles.add(text, &format!("<{index}>").into());
        }
        needles.matcher()
    }

    #[test]
    fn the_longest_of_those_that_begin_first_wins() {
        let long = "0123456789abcdef0123456789abcdef-long";
        let matcher = needles(&["0123456789abcdef", long, "0123456789abcdef0123456789abcdef-other"]);
        assert_eq!(matcher.replace(&format!("({long})")), "(<1>)");
        assert_eq!(matcher.replace("0123456789abcdef0123456789abcdef-lon"), "<0><0>-lon");
    }

    #[test]
    fn nothing_of_an_overlapping_secret_is_left() {
        let matcher = needles(&["aaaaaaaaaaaabbbbbb", "bbbbbbcccccccccccc"]);
        assert_eq!(matcher.replace("aaaaaaaaaaaabbbbbbcccccccccccc."), "<0>.");
    }

    #[test]
    fn both_finders_agree() {
        let mut matcher =
            Arc::into_inner(needles(&["needle", "needlework-of-art", "überlang-und-so-weiter"])).expect("one owner");
        let text = "a needle, needlework-of-art, needles, überlang-und-so-weiter";
        let fast = matcher.replace(text);
        matcher.beginnings = None;
        assert_eq!(matcher.replace(text), fast);
        assert_eq!(fast, "a <0>, <1>, needles, <2>");
    }
}
