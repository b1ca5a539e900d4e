//! One connection to the relay, and how far a mail got on it.
//!
//! ```text
//!  (RSET) ─▶ MAIL ─▶ RCPT ─▶ lease? ─▶ DATA ─▶ body ─▶ the dot ─▶ reply
//!  └──────── the connection dies here: Retry ───────┘└─ here: Unknown ─┘
//! ```
//!
//! A reply settles the matter wherever it comes: 2xx after the dot is Sent, 4xx is Retry, 5xx is
//! Refused. Only a connection that dies between the dot and its reply leaves open whether the
//! relay has taken the mail (RFC 1047); that is Unknown, and nothing else is.

use std::fmt::Display;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::session::Timeouts;

/// How much of a relay's reply is kept, in characters.
///
/// Four lines of 80: the longest explanations of the large providers fit.
const REPLY_CHARS_MAX: usize = 320;

/// What became of one mail.
///
/// A reply is the relay's own words, its control characters dropped, and may name the recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has taken the mail.
    Sent {
        /// What it said to that.
        reply: String,
    },
    /// The relay does not have the mail, and may take it later.
    Retry {
        /// What it said, or what failed.
        reply: String,
        /// Whether it asks for less mail, not only for this mail later.
        slow_down: bool,
    },
    /// The mail will never be taken.
    Refused {
        /// What the relay said, or what is wrong with the mail.
        reply: String,
        /// Whether no mail to this address can ever arrive.
        address: bool,
    },
    /// The relay may or may not have the mail.
    Unknown {
        /// What failed.
        why: String,
    },
}

/// A connection past its EHLO.
pub(in crate::mail) struct Line {
    smtp: AsyncSmtpConnection,
    timeouts: Timeouts,
    /// Whether the relay waits for more of a mail that was given up.
    is_open: bool,
    /// Whether the next mail may go this way.
    pub(in crate::mail) is_sound: bool,
}

impl Line {
    pub(in crate::mail) fn new(smtp: AsyncSmtpConnection, timeouts: Timeouts) -> Self {
        Self { smtp, timeouts, is_open: false, is_sound: true }
    }

    /// Begins a mail, after clearing away one that was given up.
    ///
    /// Clearing away is left until here so that no mail's outcome waits for it.
    pub(in crate::mail) async fn open(&mut self, from: &Address) -> Result<(), Trouble> {
        if self.is_open {
            if let Err(trouble) = self.say("RSET", Rset, Severity::PositiveCompletion).await {
                // A relay that refuses RSET is at odds with us, not with this mail.
                self.is_sound = false;
                return Err(trouble.lost());
            }
            self.is_open = false;
        }
        let mail = Mail::new(Some(from.clone()), Vec::new());
        self.say("MAIL", mail, Severity::PositiveCompletion).await?;
        self.is_open = true;
        Ok(())
    }

    /// Takes a mail that [`Line::open`] began through to its end.
    ///
    /// Drops `held` when the relay has answered DATA, or before when it does not come to that.
    pub(in crate::mail) async fn deliver<T>(&mut self, to: Address, mime: &[u8], before: Instant, held: T) -> Outcome {
        let rcpt = Rcpt::new(to, Vec::new());
        if let Err(trouble) = self.say("RCPT", rcpt, Severity::PositiveCompletion).await {
            return trouble.outcome(true);
        }
        if before <= Instant::now() {
            return late();
        }
        if let Err(trouble) = self.say("DATA", Data, Severity::PositiveIntermediate).await {
            return trouble.outcome(true);
        }
        drop(held);
        self.pour(mime).await
    }

    /// Writes the body and the dot, and hears the verdict.
    async fn pour(&mut self, mime: &[u8]) -> Outcome {
        // lettre begins the dot's line itself, so the last line break is left to it.
        let body = mime.strip_suffix(b"\r\n").unwrap_or(mime);
        // lettre asks for more of the body when it has written what it had, and writes the dot when
        // there is no more. Until it asks, the dot cannot have been written.
        let is_dotted = AtomicBool::new(false);
        let end = iter::from_fn(|| {
            is_dotted.store(true, Ordering::Relaxed);
            None
        });
        let parts = iter::once(body).chain(end);
        let answer = timeout(self.timeouts.body, self.smtp.message_iter(parts)).await;
        match self.heard("the dot", answer, Severity::PositiveCompletion) {
            Ok(reply) => {
                self.is_open = false;
                Outcome::Sent { reply }
            }
            Err(Trouble::Lost(why)) if is_dotted.into_inner() => Outcome::Unknown { why },
            Err(trouble) => {
                self.is_open = false;
                trouble.outcome(true)
            }
        }
    }

    async fn say(&mut self, step: &str, command: impl Display, wanted: Severity) -> Result<String, Trouble> {
        let answer = timeout(self.timeouts.command, self.smtp.command(command)).await;
        self.heard(step, answer, wanted)
    }

    /// Judges the answer to one step, and whether the connection can be used after it.
    fn heard(
        &mut self,
        step: &str,
        answer: Result<Result<Response, Error>, Elapsed>,
        wanted: Severity,
    ) -> Result<String, Trouble> {
        let trouble = match answer {
            Ok(Ok(response)) => {
                let text: Vec<_> = response.message().collect();
                let reply = printable(&format!("{} {}", response.code(), text.join(" ")));
                if response.code().severity == wanted {
                    return Ok(reply);
                }
                Trouble::Lost(format!("{step}: out of turn: {reply}"))
            }
            Ok(Err(error)) => match error.status() {
                Some(code) => {
                    let text = std::error::Error::source(&error).map(ToString::to_string);
                    let reply = format!("{code} {}", text.unwrap_or_default());
                    Trouble::Reply { code: code.into(), reply: printable(&reply) }
                }
                None => Trouble::Lost(printable(&format!("{step}: {error}"))),
            },
            Err(late) => Trouble::Lost(format!("{step}: {late}")),
        };
        // With 421 the relay says that it hangs up (RFC 5321, section 3.8).
        self.is_sound = matches!(trouble, Trouble::Reply { code, .. } if code != 421);
        Err(trouble)
    }
}

/// Why a step of a dialogue did not succeed.
pub(in crate::mail) enum Trouble {
    /// The relay said no.
    Reply { code: u16, reply: String },
    /// The connection died, nobody answered in time, or what was said is not SMTP.
    Lost(String),
}

impl Trouble {
    fn lost(self) -> Self {
        match self {
            Self::Reply { reply: why, .. } | Self::Lost(why) => Self::Lost(why),
        }
    }

    /// Returns what this means for a mail whose dot was not written, or was answered.
    ///
    /// `named` tells whether the relay knew the recipient when it spoke.
    pub(in crate::mail) fn outcome(self, named: bool) -> Outcome {
        match self {
            Self::Lost(reply) => Outcome::Retry { reply, slow_down: false },
            Self::Reply { code, reply } => match code {
                // The relay wants TLS or a password: a mistake in its settings or in ours, which
                // must not cost a mail (RFC 3207, section 4; RFC 4954, section 6).
                530 | 534 | 535 | 538 => Outcome::Retry { reply, slow_down: true },
                500..=599 => Outcome::Refused { address: named && blames_recipient(&reply), reply },
                _ => {
                    let slow_down = matches!(code, 421 | 450 | 451 | 452 | 454);
                    Outcome::Retry { reply, slow_down }
                }
            },
        }
    }
}

/// Tells whether a refusal says that the recipient's address is bad.
///
/// Of the class 5.1 these do; 5.1.7 and 5.1.8 speak of the sender's address, which Postfix does
/// at RCPT, and 5.1.0 of either.
///
/// Source: RFC 3463, section 3.2; RFC 7505, section 4.2 (5.1.10).
fn blames_recipient(reply: &str) -> bool {
    let status = reply.split(' ').nth(1).unwrap_or_default();
    matches!(status, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.4" | "5.1.6" | "5.1.10")
}

/// Returns the outcome of a mail whose lease ran out before it was sent.
pub(in crate::mail) fn late() -> Outcome {
    let reply = "the lease of the mail ran out before DATA".to_owned();
    Outcome::Retry { reply, slow_down: false }
}

/// Returns what a relay said, fit to be kept in a row and a log line.
pub(in crate::mail) fn printable(reply: &str) -> String {
    reply.trim().chars().filter(|it| !it.is_control()).take(REPLY_CHARS_MAX).collect()
}
