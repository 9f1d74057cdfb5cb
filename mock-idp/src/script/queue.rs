//! The scripted answers that wait for their request.

use std::collections::VecDeque;

use super::{Answer, Endpoint, Times};
use crate::params::Params;

/// The scripted answers of one issuer, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Scripts(VecDeque<(Endpoint, Answer)>);

impl Scripts {
    /// Adds an answer; beyond the limit the oldest is forgotten.
    pub(crate) fn push(&mut self, endpoint: Endpoint, answer: Answer) {
        if answer.times == Times::N(0) {
            return;
        }
        if self.0.len() >= LIMIT {
            self.0.pop_front();
        }
        self.0.push_back((endpoint, answer));
    }

    /// The first answer that concerns a request, used up by one.
    pub(crate) fn take(&mut self, endpoint: Endpoint, params: [&Params; 2]) -> Option<Answer> {
        self.take_if(|at, answer| at == endpoint && answer.redirect.is_none() && answer.concerns(params))
    }

    /// The first answer that changes an authorization response, used up by one.
    pub(crate) fn take_redirect(&mut self, asked: &Params) -> Option<Answer> {
        self.take_if(|at, answer| {
            at == Endpoint::Authorize && answer.redirect.is_some() && answer.concerns([asked, asked])
        })
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn take_if(&mut self, wanted: impl Fn(Endpoint, &Answer) -> bool) -> Option<Answer> {
        let position = self.0.iter().position(|(at, answer)| wanted(*at, answer))?;
        let (_, answer) = self.0.get_mut(position)?;
        let taken = answer.clone();
        if let Times::N(left) = &mut answer.times {
            *left = left.saturating_sub(1);
        }
        if answer.times == Times::N(0) {
            self.0.remove(position);
        }
        Some(taken)
    }
}

impl Answer {
    fn concerns(&self, params: [&Params; 2]) -> bool {
        let has = |name: &str, value: &str| params.iter().any(|params| params.all(name).any(|one| one == value));
        self.when.iter().all(|(name, value)| has(name, value))
    }
}

const LIMIT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_used_in_order_and_run_out() {
        let mut scripts = Scripts::default();
        let none = Params::default();
        scripts.push(Endpoint::Token, Answer::status(500).times(2));
        scripts.push(Endpoint::Token, Answer { when: vec![("code".into(), "x".into())], ..Answer::status(501) });
        let with = Params::parse(b"code=x");
        let mut next = |params: &Params| scripts.take(Endpoint::Token, [&none, params]).and_then(|a| a.status);
        assert_eq!([next(&none), next(&with), next(&none), next(&with)], [Some(500), Some(500), None, Some(501)]);
        assert_eq!(scripts.len(), 0);
    }
}
