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

use std::io;
use std::time::Instant;

use lettre::Address;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::relay::Timeouts;
use super::wire::{Reply, Wire};

/// The classes of reply that a step can want: done, and go on.
const DONE: u16 = 2;
const GO_ON: u16 = 3;

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
        /// Whether it knew the recipient when it said so.
        named: bool,
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

/// A connection past its EHLO and all that comes with it.
pub(in crate::mail) struct Line {
    wire: Wire,
    timeouts: Timeouts,
    /// Whether the relay waits for more of a mail that was given up.
    is_open: bool,
    /// Whether the next mail may go this way.
    pub(in crate::mail) is_sound: bool,
}

impl Line {
    pub(in crate::mail) fn new(wire: Wire, timeouts: Timeouts) -> Self {
        Self { wire, timeouts, is_open: false, is_sound: true }
    }

    /// Begins a mail, after clearing away one that was given up.
    ///
    /// Clearing away is left until here so that no mail's outcome waits for it.
    pub(in crate::mail) async fn open(&mut self, from: &Address) -> Result<(), Trouble> {
        if self.is_open {
            if let Err(trouble) = self.say("RSET", "RSET", DONE).await {
                // A relay that refuses RSET is at odds with us, not with this mail.
                self.is_sound = false;
                return Err(trouble.lost());
            }
            self.is_open = false;
        }
        self.say("MAIL", &format!("MAIL FROM:<{from}>"), DONE).await?;
        self.is_open = true;
        Ok(())
    }

    /// Takes a mail that [`Line::open`] began through to its end.
    ///
    /// Drops `held` when the relay has answered DATA, or before when it does not come to that.
    pub(in crate::mail) async fn deliver<T>(&mut self, to: &Address, mime: &[u8], before: Instant, held: T) -> Outcome {
        if let Err(trouble) = self.say("RCPT", &format!("RCPT TO:<{to}>"), DONE).await {
            return trouble.outcome(true);
        }
        if before <= Instant::now() {
            return late();
        }
        if let Err(trouble) = self.say("DATA", "DATA", GO_ON).await {
            return trouble.outcome(true);
        }
        drop(held);
        self.pour(mime).await
    }

    /// Writes the body and the dot, and hears the verdict.
    async fn pour(&mut self, mime: &[u8]) -> Outcome {
        let mut is_dotted = false;
        let pouring = async {
            self.wire.pour(mime, &mut is_dotted).await?;
            self.wire.reply().await
        };
        let answer = timeout(self.timeouts.body, pouring).await;
        match self.heard("the dot", answer, DONE) {
            Ok(reply) => {
                self.is_open = false;
                Outcome::Sent { reply }
            }
            Err(Trouble::Lost(why)) if is_dotted => Outcome::Unknown { why },
            Err(trouble) => {
                self.is_open = false;
                trouble.outcome(true)
            }
        }
    }

    /// Takes leave of the relay, whose answer nobody waits for.
    pub(in crate::mail) async fn quit(mut self) {
        // It is over in any case.
        let _ = timeout(self.timeouts.command, self.wire.tell("QUIT")).await;
    }

    async fn say(&mut self, step: &str, command: &str, wanted: u16) -> Result<String, Trouble> {
        let answer = timeout(self.timeouts.command, self.wire.say(command)).await;
        self.heard(step, answer, wanted)
    }

    /// Judges the answer to one step, and whether the connection can be used after it.
    fn heard(
        &mut self,
        step: &str,
        answer: Result<io::Result<Reply>, Elapsed>,
        wanted: u16,
    ) -> Result<String, Trouble> {
        let trouble = match answer {
            Ok(Ok(reply)) => {
                let text = printable(&reply.text());
                if reply.class() == wanted {
                    return Ok(text);
                }
                match reply.class() {
                    4 | 5 => Trouble::Reply { code: reply.code, reply: text },
                    _ => Trouble::Lost(format!("{step}: out of turn: {text}")),
                }
            }
            Ok(Err(error)) => Trouble::Lost(printable(&format!("{step}: {error}"))),
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
            Self::Lost(reply) => Outcome::Retry { reply, slow_down: false, named },
            Self::Reply { code, reply } => match code {
                // The relay wants TLS or a password: a mistake in its settings or in ours, which
                // must not cost a mail (RFC 3207, section 4; RFC 4954, section 6).
                530 | 534 | 535 | 538 => Outcome::Retry { reply, slow_down: true, named },
                500..=599 => Outcome::Refused { address: named && blames_recipient(&reply), reply },
                _ => {
                    let slow_down = matches!(code, 421 | 450 | 451 | 452 | 454);
                    Outcome::Retry { reply, slow_down, named }
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
    Outcome::Retry { reply, slow_down: false, named: true }
}

/// Returns what a relay said, fit to be kept in a row and a log line.
pub(in crate::mail) fn printable(reply: &str) -> String {
    reply.trim().chars().filter(|it| !it.is_control()).take(REPLY_CHARS_MAX).collect()
}
