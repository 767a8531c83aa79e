//! What refusals say: what is wrong, of which item, and how to mend it.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::{ConfigError, parse};

const PORT: &str =
    "[[port]]\nname = \"p\"\nkind = \"loopback\"\n[[interface]]\nname = \"surgery\"\nport = \"p\"\n";

#[track_caller]
fn one(text: &str) -> ConfigError {
    let mut errors = parse(text, "t.toml").unwrap_err().errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

/// The fault of these lines of `[interface.qos]`.
#[track_caller]
fn qos(lines: &str) -> ConfigError {
    one(&format!("{PORT}[interface.qos]\n{lines}\n"))
}

#[test]
fn numbers_out_of_range_are_told_with_the_range() {
    let told = |lines: &str| (qos(lines).message, qos(lines).help);
    let (message, help) = told("rate = \"-5 Mbit/s\"");
    assert_eq!(message, "\"-5 Mbit/s\" is less than nothing");
    assert!(help.contains("\"10 Mbit/s\"; allowed: 8 kbit/s to 400 Gbit/s"), "{help}");
    let (message, help) = told("rate = \"99999999999999999999 Gbit/s\"");
    assert!(
        message.ends_with("is more than there can be") && help.ends_with("8 kbit/s to 400 Gbit/s"),
        "{help}"
    );
    assert_eq!(told("rate = \"1 bit/s\"").1, "allowed: 8 kbit/s to 400 Gbit/s");
    let bound = one(&format!(
        "{PORT}qos.rate = \"1 Mbit/s\"\n[[promise]]\ninterface = \"surgery\"\ncalls = 1\nbound = \"-1 ms\"\n"
    ));
    assert_eq!(bound.key, "promise[0].bound");
    assert!(bound.message.contains("less than nothing") && bound.help.contains("10 us to 10 s"), "{bound:?}");
}

#[test]
fn words_of_other_routers_and_keys_that_do_not_go_together_are_explained() {
    let flows = qos("imaging.aqm = \"fq-codel\"");
    assert!(flows.help.contains("aqm = \"codel\"") && flows.help.contains("flows = 1024"), "{flows:?}");
    let cells = qos("overhead = \"pppoe-llc\"\ncells = \"ptm\"");
    assert_eq!(cells.key, "interface[0].qos.cells");
    assert!(cells.message.contains("\"atm\"") && cells.message.contains("\"ptm\""), "{cells:?}");
    for sound in
        ["overhead = \"pppoe-llc\"\ncells = \"atm\"", "overhead = 26\ncells = \"ptm\"", "cells = \"atm\""]
    {
        assert!(parse(&format!("{PORT}[interface.qos]\n{sound}\n"), "t").is_ok(), "{sound}");
    }
    let kind = one(&format!("{PORT}[[meter]]\nname = \"gold\"\ncir = \"1 Mbit/s\"\n"));
    assert_eq!(kind.key, "meter[0].kind");
    assert!(kind.message.contains("missing") && kind.help.contains("srtcm"), "{kind:?}");
}

#[test]
fn a_name_that_nothing_has_says_what_to_add_where_there_is_none() {
    let port = one("[[interface]]\nname = \"surgery\"\nport = \"ge0\"\n");
    assert_eq!(port.help, "there is none: add [[port]] with name = \"ge0\"");
    let meter = one(&format!("{PORT}police.voice = {{ meter = \"gold\" }}\n"));
    assert_eq!(meter.help, "there is none: add [[meter]] with name = \"gold\"");
    let group = one(&format!("{PORT}[[rule]]\nname = \"r\"\nclass = \"voice\"\nmatch = \"rtp\"\n"));
    assert_eq!(group.help, "there is none: add [[match]] with name = \"rtp\"");
    let near = one(&format!("{PORT}[[interface]]\nname = \"b\"\nport = \"q\"\nvlan = 2\n"));
    assert!(near.help.contains("allowed: p"), "{near:?}");
}

#[test]
fn faults_name_the_item_beside_its_number() {
    let more: String = (0..3)
        .map(|n| format!("[[interface]]\nname = \"site{n}\"\nport = \"p\"\nvlan = {}\n", n + 2))
        .collect();
    let fault = one(&format!("{PORT}{more}[interface.qos]\nrate = \"1 bit/s\"\n"));
    assert_eq!((&*fault.key, fault.item.as_deref()), ("interface[3].qos.rate", Some("site2")));
    assert_eq!(
        fault.plain("t.toml").lines().next(),
        Some("t.toml:20:8: interface[3].qos.rate: 1 bit/s is out of range (interface \"site2\")")
    );
    // Where the message has the name it is not said twice, and what has no name has none.
    let twice = one(&format!("{PORT}[[interface]]\nname = \"surgery\"\nport = \"p\"\nvlan = 2\n"));
    assert_eq!(twice.plain("t").matches("surgery").count(), 1);
    let route = one(&format!("{PORT}[[route]]\nprefix = \"10.0.0.0/33\"\nvia = \"10.0.0.1\"\n"));
    assert_eq!(route.item, None);
}

#[test]
fn prefixes_that_are_never_accepted_have_no_bits_past_their_length() {
    let martians = |net: &str| format!("{PORT}[limits]\nmartian-sources = [\"192.0.2.0/24\", \"{net}\"]\n");
    let fault = one(&martians("10.0.0.1/8"));
    assert_eq!((fault.line, &*fault.key), (8, "limits.martian-sources[1]"));
    assert!(fault.message.contains("bits set past") && fault.help.contains("10.0.0.0/8"), "{fault:?}");
    assert!(parse(&martians("10.0.0.0/8"), "t").is_ok());
}

#[test]
fn a_file_without_ports_is_warned_of() {
    let warnings = parse("", "t").unwrap().warnings();
    assert!(warnings.len() == 1 && warnings[0].message.contains("no port"), "{warnings:?}");
    assert!(parse(PORT, "t").unwrap().warnings().is_empty());
}

#[test]
fn a_promise_of_a_class_without_priority_says_what_makes_it_faster() {
    let text = format!(
        "{PORT}qos.rate = \"10 Mbit/s\"\n[[promise]]\ninterface = \"surgery\"\nclass = \"control\"\nrate = \"64 kbit/s\"\nbound = \"10 ms\"\n"
    );
    let fault = one(&text);
    assert!(fault.message.contains("more than the 10.000 ms promised"), "{fault:?}");
    assert!(
        fault.help.contains("qos.control.guaranteed") && fault.help.contains("qos.control.priority"),
        "{fault:?}"
    );
}
