//! What a user reads who made mistakes with the parts that members have in a community.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::parse;

const SOUND: &str = r#"
[router]
name = "pe1"
[[vrf]]
name = "hub-in"
[[vrf]]
name = "hub-out"
[[community]]
name = "clinic"
members = ["pe1:hub-in", "hub-out"]
"#;

/// Place and message of every fault of the file with these keys in its community.
fn told(keys: &str) -> Vec<String> {
    let Err(errors) = parse(&format!("{SOUND}{keys}"), "pe1.toml") else { return Vec::new() };
    errors.errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect()
}

#[test]
fn a_member_may_be_a_hub_and_have_one_direction() {
    let keys = "hubs = [\"pe1:hub-in\", \"hub-out\"]\nsend-only = \"hub-out\"\nreceive-only = \"pe1:hub-in\"";
    assert_eq!(told(keys), [""; 0]);
}

#[test]
fn who_has_one_direction_is_a_member_once_and_does_not_have_the_other_too() {
    assert_eq!(
        told("send-only = \"hub-in\""),
        ["community[0].send-only[0]: \"hub-in\" is no member of \"clinic\""]
    );
    assert_eq!(
        told("receive-only = [\"hub-out\", \"hub-out\"]"),
        ["community[0].receive-only[1]: \"hub-out\" is named twice"]
    );
    assert_eq!(
        told("send-only = \"pe1:hub-out\"\nreceive-only = [\"pe1:hub-in\", \"hub-out\"]"),
        ["community[0].receive-only[1]: \"hub-out\" is to receive only, and \"pe1:hub-out\" to send only"]
    );
}
