//! Rules by themselves: lengths that no packet has, and packets that hardly any sender makes.

use dataplane::table::rules::{Conditions, Fragment};
use dataplane::wire::l4::protocol;

use super::region::shortest;
use crate::config::rule::{Protocol, Rule};

/// The key, what is wrong, and how to mend it.
type Told = (&'static str, String, &'static str);

/// Whether packets of IPv4, and of IPv6, can have the addresses.
fn versions(c: &Conditions) -> (bool, bool) {
    let of = |v6: bool| {
        let fits = |nets: &Vec<ipnet::IpNet>| nets.iter().any(|net| net.addr().is_ipv6() == v6);
        [&c.sources, &c.destinations].into_iter().flatten().all(fits)
    };
    (of(false), of(true))
}

fn key(rule: &Rule) -> &'static str {
    if rule.conditions.length.is_empty() { "match" } else { "length" }
}

/// Lengths that are below any IP packet.
pub(super) fn too_short(rule: &Rule, c: &Conditions) -> Option<Told> {
    let ports = c.source_ports.is_some() || c.destination_ports.is_some();
    let longest = *c.lengths.as_ref()?.iter().map(|range| range.end()).max()?;
    let least = shortest(Some(!versions(c).0), ports);
    if longest >= least {
        return None;
    }
    let of = if ports { " with ports" } else { "" };
    let message = format!("no packet{of} that it asks for is shorter than {least} bytes, IP header counted");
    Some((key(rule), message, "ask for longer ones: lengths are of whole IP packets, without layer 2"))
}

/// Bytes of a protocol's header at least.
fn header(number: u8) -> u16 {
    match number {
        protocol::TCP => 20,
        protocol::SCTP | protocol::DCCP => 12,
        protocol::UDP | protocol::UDP_LITE | protocol::ICMP => 8,
        protocol::ICMPV6 => 4,
        _ => 0,
    }
}

/// What sound packets do not have.
pub(super) fn odd(rule: &Rule, c: &Conditions) -> Option<Told> {
    let protocols = c.protocols.as_ref().filter(|protocols| !protocols.is_empty())?;
    let named = || {
        let names: Vec<String> = protocols.iter().take(4).map(|p| Protocol(*p).to_string()).collect();
        names.join(", ")
    };
    let (v4, v6) = versions(c);
    let own = if rule.conditions.protocol.is_empty() { "match" } else { "protocol" };
    let only = |number: u8| protocols.iter().all(|p| *p == number);
    if only(protocol::ICMPV6) && !v6 || only(protocol::ICMP) && !v4 {
        let (of, other) = if v6 { ("IPv4", "icmpv6") } else { ("IPv6", "icmp") };
        let message = format!("{} is of {of}, and the addresses are not", named());
        let help = if other == "icmp" { "write protocol = \"icmp\"" } else { "write protocol = \"icmpv6\"" };
        return Some((own, message, help));
    }
    let longest = *c.lengths.as_ref()?.iter().map(|range| range.end()).max()?;
    let later = c.fragments.as_ref().is_some_and(|parts| parts.contains(&Fragment::Later));
    let least = shortest(Some(!v4), false) + protocols.iter().map(|p| header(*p)).min()?;
    if longest >= least || later {
        return None;
    }
    let message = format!(
        "a whole packet of {} has {least} bytes at least: only later fragments are so short",
        named()
    );
    Some((key(rule), message, "ask for longer ones, or say fragment = \"later\""))
}
