//! What an invite says, and what it never does.

use super::*;

const INVITATION: Invitation = Invitation {
    is_reminder: false,
    inviter_name: "Ada Lovelace",
    account: "Pier Works",
    account_role: "member",
    workcenters: &[
        Grant { workcenter: "Plans for Pier 4", role: "contributor" },
        Grant { workcenter: "Harbour Office", role: "owner" },
    ],
    message: "Have a look before Thursday.",
    expires_at: Timestamp::UNIX_EPOCH,
    reader: &Reader::UNKNOWN,
    accept_url: "https://example.com/invite?token=a-b_c&x=1",
};

/// Writes the invite and checks what holds for every one.
fn written(invitation: &Invitation) -> Written {
    let mail = write(invitation).unwrap();
    assert!(mail.subject.chars().count() <= 120 && !mail.subject.chars().any(char::is_control));
    assert!(mail.html.len() <= 90_000);
    assert_eq!(mail.html.matches("href=").count(), 1, "one link");
    assert_eq!(mail.html.matches("<h1>").count(), 1);
    assert!(mail.html.contains(r#"href="https://example.com/invite?token=a-b_c&amp;x=1""#));
    assert!(mail.text.contains("Accept the invite: https://example.com/invite?token=a-b_c&x=1\n"));
    for form in [&mail.html, &mail.text] {
        assert!(!form.to_lowercase().contains("unsubscribe"));
    }
    mail
}

#[test]
fn an_invite_says_who_asks_to_what_and_until_when() {
    let mail = written(&INVITATION);
    assert_eq!(mail.subject, "Ada Lovelace invites you to join Pier Works");
    assert!(mail.html.contains("<h1>Ada Lovelace invites you to join Pier Works</h1>"));
    for said in [
        "You would join Pier Works as a member, with a place in:",
        "- Plans for Pier 4 as a contributor\n- Harbour Office as an owner\n",
        "Ada Lovelace writes:\n\n> Have a look before Thursday.",
        "until Thursday, 1 January 1970, 00:00 UTC",
        "If you did not expect it, ignore it",
    ] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    for said in ["Plans for Pier 4", "as <bdi>an owner</bdi>", "before Thursday.", "00:00 UTC"] {
        assert!(mail.html.contains(said), "{said}");
    }
}

#[test]
fn a_reminder_says_at_once_that_it_is_one_and_until_when() {
    let mail = written(&Invitation { is_reminder: true, ..INVITATION });
    assert_eq!(mail.subject, "Reminder: Ada Lovelace invites you to join Pier Works");
    assert!(mail.html.contains("<h1>Reminder: Ada Lovelace invites you to join Pier Works</h1>"));
    let opening = "Reminder: Ada Lovelace invites you to join Pier Works\n\nYou have not answered this invite yet. \
                   It is good until Thursday, 1 January 1970, 00:00 UTC.\n\nYou would join Pier Works";
    assert!(mail.text.contains(opening), "{}", mail.text);
    for form in [&mail.html, &mail.text] {
        assert_eq!(form.matches("00:00 UTC").count(), 1);
    }
}

#[test]
fn an_invite_without_message_or_workcenters_leaves_no_gap() {
    let bare = Invitation { message: " \n", workcenters: &[], ..INVITATION };
    let mail = written(&bare);
    assert!(mail.text.contains("as a member.\n\nAccept the invite:"), "{}", mail.text);
    assert!(!mail.html.contains("class=\"q\"") && !mail.html.contains("<ul"));
}

#[test]
fn the_inviters_words_keep_their_lines() {
    let mail = written(&Invitation { message: "Hello,\r\n\n  come\tand see.\nAda", ..INVITATION });
    assert!(mail.text.contains("writes:\n\n> Hello,\n> come and see.\n> Ada\n\nAccept"), "{}", mail.text);
    let quoted = r#"<div class="q"><bdi>Hello,</bdi><br><bdi>come and see.</bdi><br><bdi>Ada</bdi></div>"#;
    assert!(mail.html.contains(quoted), "{}", mail.html);
}

#[test]
fn names_that_are_long_or_run_from_right_to_left_leave_the_sentence_around_them_its_sense() {
    let long = "Donaudampfschifffahrt".repeat(10);
    let mail = written(&Invitation { is_reminder: true, inviter_name: &long, account: &long, ..INVITATION });
    assert!(mail.subject.contains("… invites you to join Donau"), "{}", mail.subject);
    let workcenters = [Grant { workcenter: "עדה 4", role: "reader" }];
    let mail = written(&Invitation { inviter_name: "עדה", workcenters: &workcenters, ..INVITATION });
    assert!(mail.subject.starts_with("\u{2068}עדה\u{2069} invites"));
    assert!(mail.text.contains("- \u{2068}עדה 4\u{2069} as a reader\n"), "{}", mail.text);
}

#[test]
fn an_invite_is_told_in_the_zone_of_the_invited_where_it_is_known() {
    let mail = written(&Invitation { reader: &Reader::new(Some("Asia/Tokyo")), ..INVITATION });
    assert!(mail.text.contains("until Thursday, 1 January 1970, 09:00 JST"));
}

#[test]
fn twenty_workcenters_are_named_or_else_all_of_twenty_one() {
    for (count, named, more) in [(20, 20, ""), (21, 21, ""), (22, 20, "and 2 more")] {
        let many = vec![Grant { workcenter: "Harbour", role: "reader" }; count];
        let mail = written(&Invitation { workcenters: &many, ..INVITATION });
        for form in [&mail.html, &mail.text] {
            assert_eq!(form.matches("Harbour").count(), named);
            assert_eq!(form.contains("and 2 more"), !more.is_empty());
        }
    }
}

#[test]
fn hostile_words_stay_words_and_long_ones_are_cut() {
    let long = "<&'\">".repeat(10_000);
    for name in ["<script>alert(1)</script>", "a\r\nBcc: b@example.com", "עדה", &long] {
        let workcenters = vec![Grant { workcenter: name, role: name }; 500];
        let mail = written(&Invitation {
            inviter_name: name,
            account: name,
            account_role: name,
            workcenters: &workcenters,
            message: name,
            ..INVITATION
        });
        assert!(!mail.html.contains("<script") && !mail.text.contains("\nBcc:"));
        assert!(mail.html.contains("<bdi>") && mail.html.matches("<li>").count() == 20);
    }
}
