//! A route in words, as the command line and the lines of a file have it.

use std::net::IpAddr;

use control::RouteChange;
use control::commit::RouteSpec;
use control::config::{Discard, IMPLICIT_NULL};
use control::rib::{MOST_NEXT_HOPS, not_a_destination, not_a_next_hop};
use ipnet::IpNet;

use crate::hops;

/// What is allowed after a prefix.
const AFTER: &str = "allowed after the prefix: via ADDRESS [dev INTERFACE] [push LABEL,...] [via ...], or one of \
                     blackhole, unreachable, prohibited; then [vrf NAME] [via-vrf NAME] [distance N] [entropy] \
                     [ttl uniform|pipe] [diffserv uniform|pipe|short-pipe]";

/// The change that a line of a file asks for; `None` for a blank one.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub(super) fn parse(line: &str, vrf: &str) -> Result<Option<RouteChange>, String> {
    let text = line.split('#').next().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok(None),
        ["del", rest @ ..] => del(rest, vrf).map(Some),
        ["add", rest @ ..] | rest => add(rest, vrf).map(Some),
    }
}

/// `PREFIX`, to be taken out.
pub(super) fn del(words: &[&str], vrf: &str) -> Result<RouteChange, String> {
    match words {
        [one] | [one, "vrf", _] => {
            let vrf = words.get(2).unwrap_or(&vrf);
            Ok(RouteChange::Remove { vrf: Some((*vrf).into()), prefix: prefix(one)? })
        }
        [] => Err("del wants a prefix; allowed: del PREFIX [vrf NAME]".into()),
        [_, more, ..] => Err(format!("\"{more}\" is too much; allowed: del PREFIX [vrf NAME]")),
    }
}

/// `PREFIX via …` or `PREFIX blackhole`, to be set.
pub(super) fn add(words: &[&str], vrf: &str) -> Result<RouteChange, String> {
    let Some((first, rest)) = words.split_first() else { return Err(format!("no prefix; {AFTER}")) };
    let prefix = prefix(first)?;
    let mut spec = RouteSpec { vrf: Some(vrf.into()), prefix, ..RouteSpec::default() };
    let mut words = rest.iter().copied();
    while let Some(word) = words.next() {
        take(&mut spec, word, &mut words)?;
    }
    whole(&spec)?;
    Ok(RouteChange::Add(spec))
}

/// Reads one part of a route into `spec`.
fn take<'w>(
    spec: &mut RouteSpec,
    word: &'w str,
    words: &mut impl Iterator<Item = &'w str>,
) -> Result<(), String> {
    if let Some(taken) = hops::take(&mut spec.via, word, words, AFTER) {
        return taken;
    }
    let mut value = |what: &str| hops::next(word, what, words, AFTER);
    match word {
        "vrf" => spec.vrf = Some(value("a vrf")?.into()),
        "via-vrf" => spec.via_vrf = Some(value("a vrf")?.into()),
        "entropy" => spec.entropy = true,
        "ttl" => spec.ttl = Some(hops::ttl(value("a model")?)?),
        "diffserv" => spec.diffserv = Some(hops::diffserv(value("a model")?)?),
        "distance" => {
            let text = value("a number")?;
            let distance = text.parse::<u8>().ok().filter(|d| *d > 0);
            spec.distance = Some(distance.ok_or_else(|| format!("distance {text}; allowed: 1 to 255"))?);
        }
        "blackhole" => spec.discard = Some(Discard::Blackhole),
        "unreachable" => spec.discard = Some(Discard::Unreachable),
        "prohibited" => spec.discard = Some(Discard::Prohibited),
        other => return Err(format!("\"{other}\" is not understood; {AFTER}")),
    }
    Ok(())
}

/// Whether a route says where to, once, by addresses that can be next hops.
fn whole(spec: &RouteSpec) -> Result<(), String> {
    match (spec.via.len(), spec.discard) {
        (0, None) => return Err(format!("no next hop; {AFTER}")),
        (0, Some(_)) => {}
        (_, Some(discard)) => return Err(format!("both via and {discard}; {AFTER}")),
        (n, None) if n > MOST_NEXT_HOPS => {
            return Err(format!("{n} next hops; allowed: 1 to {MOST_NEXT_HOPS}"));
        }
        _ => {}
    }
    for via in &spec.via {
        // Labels carry packets of one family over next hops of the other.
        let labelled = via.push.as_ref().is_some_and(|labels| labels.iter().any(|l| *l != IMPLICIT_NULL));
        let family = if labelled { via.address.into() } else { spec.prefix };
        if let Some(why) = not_a_next_hop(family, via.address, via.interface.is_some()) {
            return Err(format!("next hop {} {why}", via.address));
        }
    }
    Ok(())
}

fn prefix(text: &str) -> Result<IpNet, String> {
    let host = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(net) = text.parse::<IpNet>().ok().or_else(host) else {
        return Err(format!("\"{text}\" is no prefix; allowed: 192.0.2.0/24, 2001:db8::/32 or one address"));
    };
    match not_a_destination(net) {
        Some(why) if net.addr() != net.network() => Err(format!("{net} {why}; meant is {}?", net.trunc())),
        Some(why) => Err(format!("{net} {why}")),
        None => Ok(net),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(line: &str) -> RouteSpec {
        match parse(line, "red") {
            Ok(Some(RouteChange::Add(spec))) => spec,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn routes_are_read_as_they_are_said() {
        let two = spec("add 10.0.0.0/8 via 192.0.2.1 via 192.0.2.2 dev ge0 distance 7 # both ways");
        assert_eq!((two.vrf.as_deref(), two.distance, two.via.len()), (Some("red"), Some(7), 2));
        assert!(two.via.iter().all(|v| v.interface.as_deref() == Some("ge0")));
        let each = spec("2001:db8::/32 via fe80::1 dev a via fe80::1 dev b");
        let names: Vec<_> = each.via.iter().map(|v| v.interface.as_deref().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        let vpn = spec("10.9.0.0/16 via 10.255.0.2 push 30012 vrf blue via-vrf core entropy ttl pipe");
        assert_eq!((vpn.vrf.as_deref(), vpn.via_vrf.as_deref()), (Some("blue"), Some("core")));
        assert_eq!((&vpn.via[0].push, vpn.entropy), (&Some(vec![30_012]), true));
        assert_eq!(spec("2001:db8::/32 via 10.255.0.2 push 17,18").via[0].push, Some(vec![17, 18]));
        assert_eq!(spec("192.0.2.9 blackhole").prefix.to_string(), "192.0.2.9/32");
        assert_eq!(parse("  # nothing", "red"), Ok(None));
        let gone = RouteChange::Remove { vrf: Some("red".into()), prefix: "10.0.0.0/8".parse().unwrap() };
        assert_eq!(parse("del 10.0.0.0/8", "red"), Ok(Some(gone)));
    }

    #[test]
    fn a_wrong_line_is_told_with_what_is_allowed() {
        for (line, told) in [
            ("10.0.0.0/8", "no next hop; allowed after"),
            ("10.0.0.1/8 via 192.0.2.1", "meant is 10.0.0.0/8?"),
            ("10.0.0.0/40 via 192.0.2.1", "is no prefix; allowed"),
            ("10.0.0.0/8 via ten", "\"ten\" is no address"),
            ("10.0.0.0/8 via 2001:db8::1", "is IPv6, and the prefix is IPv4"),
            ("::/0 via fe80::1", "names no interface"),
            ("10.0.0.0/8 dev ge0", "behind no via"),
            ("10.0.0.0/8 via 192.0.2.1 blackhole", "both via and blackhole"),
            ("10.0.0.0/8 via 192.0.2.1 metric 3", "\"metric\" is not understood; allowed"),
            ("10.0.0.0/8 via 192.0.2.1 distance 0", "allowed: 1 to 255"),
            ("2001:db8::/32 via 10.255.0.2 push 3", "is IPv4, and the prefix is IPv6"),
            ("10.0.0.0/8 push 17", "behind no via"),
            ("10.0.0.0/8 via 192.0.2.1 push 17,", "\"\" is no label"),
            ("10.0.0.0/8 via", "via wants an address"),
            ("224.0.0.0/4 via 192.0.2.1", "is multicast"),
            ("del", "del PREFIX"),
            ("del 10.0.0.0/8 via 192.0.2.1", "is too much"),
        ] {
            let error = parse(line, "red").unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
