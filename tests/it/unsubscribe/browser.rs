//! The pages in a browser as people have it: Chromium, if `CHROMIUM` says where it is.

use std::path::PathBuf;

use tokio::process::Command;

use super::*;
use crate::architecture::source::root;

/// Has the browser press the button of each page, `presses` times, and look at each page on its way.
async fn browse(browser: &str, http: SocketAddr, path: &str, presses: usize) -> String {
    let pictures = std::env::var_os("CHROMIUM_PICTURES").map_or_else(std::env::temp_dir, PathBuf::from);
    let run = Command::new("python3")
        .arg(root().join("tests/browser/press.py"))
        .args([browser, &format!("http://{http}{path}"), &presses.to_string()])
        .arg(pictures)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    said
}

#[tokio::test]
async fn in_a_browser_looking_changes_nothing_the_button_stops_and_the_next_one_undoes_it() {
    #[expect(clippy::disallowed_methods, reason = "which browser tests use is not a setting of a program")]
    let Ok(browser) = std::env::var("CHROMIUM") else { return };
    let story = Story::begin().await;
    let daemon = serve(&story).await;
    for scope in [Scope::WorkCenter(story.pier), Scope::Account] {
        let path = link(&story, scope, Switch::Off);
        let seen = browse(&browser, daemon.http, &path, 0).await;
        assert_eq!(seen, "Stop these mails?\n");
        assert_eq!(effective(&story).await, Delivery::Immediate);
        let seen = browse(&browser, daemon.http, &path, 1).await;
        assert_eq!(seen, "Stop these mails?\nIt is done\n");
        assert_eq!(effective(&story).await, Delivery::Off);
        let seen = browse(&browser, daemon.http, &path, 2).await;
        assert_eq!(seen, "Stop these mails?\nIt is done\nIt is undone\n");
        assert_eq!(effective(&story).await, Delivery::Immediate);
    }
    let seen = browse(&browser, daemon.http, "/unsubscribe/x", 0).await;
    assert_eq!(seen, "This link does not work\n");
}
