//! Judges a new password by every rule.

use super::{
    Ask, Outcome, Policy, SPECIAL, Verdict,
    blocklist::{Words, is_common, is_personal},
    is_too_long,
    similar::is_similar,
};
use crate::{
    error::Result,
    secret::{Hasher, Secret},
};

/// A password that somebody wants to have, with what is known of them. It cannot be printed.
#[derive(Clone)]
pub struct Candidate {
    password: Secret,
    words: Option<Words>,
    before: Option<Vec<String>>,
    present: Option<Secret>,
}

impl Candidate {
    /// A password of whom nothing is known.
    pub fn new(password: Secret) -> Self {
        Self { password, words: None, before: None, present: None }
    }

    /// The same of somebody of whom others know `texts`: names, address, accounts.
    pub fn knowing(self, texts: &[String]) -> Self {
        Self { words: Some(Words::of(texts)), ..self }
    }

    /// The same of somebody who had passwords with the hashes `phcs`.
    pub(super) fn after(self, phcs: Vec<String>) -> Self {
        Self { before: Some(phcs), ..self }
    }

    /// The same of somebody whose present password is `present`.
    pub(super) fn in_place_of(self, present: Secret) -> Self {
        Self { present: Some(present), ..self }
    }

    /// The same, not compared with those that its owner had.
    pub(in crate::identity) fn without_a_past(self) -> Self {
        Self { before: None, ..self }
    }

    fn judged(&self, ask: Ask) -> Outcome {
        let normal = self.password.normal();
        let password = normal.expose();
        let any = |is: fn(char) -> bool| Some(password.chars().any(is));
        let kept = match ask {
            Ask::MinLength(least) => Some(least <= self.password.expose().chars().count()),
            Ask::MaxLength(_) => Some(!is_too_long(self.password.expose())),
            Ask::UpperCase => any(char::is_uppercase),
            Ask::LowerCase => any(char::is_lowercase),
            Ask::Digit => any(|it| it.is_ascii_digit()),
            Ask::Special => any(|it| SPECIAL.contains(it)),
            Ask::NotCommon => Some(!is_common(password)),
            Ask::NotPersonal => self.words.as_ref().map(|it| !is_personal(password, it)),
            // That takes hashes, and is judged apart.
            Ask::NotUsedBefore(_) => None,
            Ask::NotSimilar => self.present.as_ref().map(|it| !is_similar(password, it.normal().expose())),
        };
        match kept {
            Some(true) => Outcome::Kept,
            Some(false) => Outcome::Broken,
            None => Outcome::NotJudged,
        }
    }
}

/// Judges `candidate` by every rule of `policy`. One that is too long is judged by nothing else.
///
/// It is compared with those that its owner had only when it keeps all other rules: a comparison costs a hash for each,
/// and tells something to whoever holds a session that is not theirs.
///
/// # Errors
///
/// [`crate::error::Error::Exhausted`] when too many passwords wait to be hashed or judged.
pub async fn judge(hasher: &Hasher, policy: &Policy, candidate: Candidate) -> Result<Vec<Verdict>> {
    let asks = policy.asks();
    let too_long = is_too_long(candidate.password.expose());
    let (password, before) = (candidate.password.clone(), candidate.before.clone());
    let mut verdicts = hasher
        .beside(move || {
            let outcome = |ask| match ask {
                Ask::MaxLength(_) => candidate.judged(ask),
                _ if too_long => Outcome::NotJudged,
                _ => candidate.judged(ask),
            };
            asks.into_iter().map(|ask| Verdict { ask, outcome: outcome(ask) }).collect::<Vec<_>>()
        })
        .await?;
    let is_sound = verdicts.iter().all(|it| it.outcome != Outcome::Broken || it.ask == Ask::NotSimilar);
    if let Some(phcs) = before.filter(|_| is_sound) {
        let was_used = hasher.verify_any(&password, phcs).await?;
        for it in verdicts.iter_mut().filter(|it| matches!(it.ask, Ask::NotUsedBefore(_))) {
            it.outcome = if was_used { Outcome::Broken } else { Outcome::Kept };
        }
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::password::{PASSWORD_MAX, Preset, violations};

    async fn broken(presets: &[Preset], password: &str) -> Vec<Ask> {
        let policy = Policy::of(presets.to_vec());
        let candidate = Candidate::new(Secret::from(password.to_owned())).knowing(&["Ada".to_owned()]);
        let verdicts = judge(&Hasher::default(), &policy, candidate).await.unwrap();
        assert_eq!(verdicts.iter().map(|it| it.ask).collect::<Vec<_>>(), policy.asks());
        verdicts.into_iter().filter(|it| it.outcome == Outcome::Broken).map(|it| it.ask).collect()
    }

    #[tokio::test]
    async fn characters_are_counted_and_not_bytes() {
        let nist = [Preset::Nist2025];
        assert_eq!(broken(&nist, "žluťoučký kůň").await, [Ask::MinLength(15)]);
        assert_eq!(broken(&nist, "žluťoučký kůň úpí").await, []);
        assert_eq!(broken(&nist, &"𝄞é".repeat(PASSWORD_MAX)).await, [Ask::MaxLength(PASSWORD_MAX)]);
        assert_eq!(broken(&nist, &"e\u{301}".repeat(257)).await, [Ask::MaxLength(PASSWORD_MAX)]);
    }

    #[tokio::test]
    async fn every_rule_that_is_broken_is_named() {
        let strict = [Preset::ProcoreStrict];
        assert_eq!(broken(&strict, "Kw3!tz8Pq").await, []);
        let all = [Ask::MinLength(8), Ask::UpperCase, Ask::Digit, Ask::Special, Ask::NotCommon, Ask::NotPersonal];
        assert_eq!(broken(&strict, "ada").await, all);
        assert_eq!(broken(&strict, "KWTZPQXVB?").await, [Ask::LowerCase, Ask::Digit, Ask::Special]);
        let verdict = |outcome| Verdict { ask: Ask::Digit, outcome };
        let said = violations("password", &[verdict(Outcome::Broken), verdict(Outcome::NotJudged)]);
        assert_eq!((said.len(), said[0].rule.as_str()), (1, "must have a digit"));
    }

    #[tokio::test]
    async fn a_password_that_was_used_or_is_the_present_one_is_told_apart() {
        let hasher = Hasher::default();
        let secret = |text: &str| Secret::from(text.to_owned());
        let (old, present) = (secret("a boat for seven people"), secret("a long walk on the pier"));
        let phcs = vec![hasher.hash(&present).await.unwrap(), hasher.hash(&old).await.unwrap()];
        for (password, used, similar) in [
            (&old, Outcome::Broken, Outcome::Kept),
            (&present, Outcome::Broken, Outcome::Broken),
            (&secret("a long walk on that pier"), Outcome::Kept, Outcome::Broken),
            (&secret("seven kinds of seaweed"), Outcome::Kept, Outcome::Kept),
            (&secret("short"), Outcome::NotJudged, Outcome::Kept),
        ] {
            let candidate = Candidate::new(password.clone()).after(phcs.clone()).in_place_of(present.clone());
            let verdicts = judge(&hasher, &Policy::default(), candidate).await.unwrap();
            let outcomes: Vec<_> = verdicts.iter().rev().take(2).map(|it| it.outcome).collect();
            assert_eq!(outcomes, [similar, used], "{}", password.expose());
        }
    }
}
