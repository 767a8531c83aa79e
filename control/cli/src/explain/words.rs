//! The words a packet is told in.

use std::net::IpAddr;
use std::str::FromStr;

use control::explain::{LabelWords, Packets, Question, Words};
use dataplane::wire::dscp;
use dataplane::wire::l4::protocol;

/// The words there are.
const ALLOWED: &str = "words are: in, from, to, udp, tcp, icmp, proto, sport, dport, dscp, ttl, size, df, vlan, label, tc; \
                       see viaduct explain --help";

/// What has been said so far.
#[derive(Debug, Default)]
struct Said {
    interface: Option<String>,
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    protocol: Option<Protocol>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    dscp: Option<u8>,
    ttl: Option<u8>,
    size: Option<u16>,
    dont_fragment: bool,
    vlan: Option<Vec<u16>>,
    labels: Vec<LabelWords>,
    /// Whether `tc` and `ttl` are of the last label.
    of_label: bool,
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Icmp,
    Number(u8),
}

/// A whole packet.
///
/// # Errors
/// What is wrong with the words, and what is allowed.
pub(crate) fn question(words: &[String]) -> Result<Question, String> {
    let said = read(words)?;
    let missing = |what: &str| format!("the packet has no {what}: say {what}; {ALLOWED}");
    let (from, to) = (said.from.ok_or_else(|| missing("from"))?, said.to.ok_or_else(|| missing("to"))?);
    if from.is_ipv4() != to.is_ipv4() {
        return Err(format!("from {from} and to {to} are not of one family"));
    }
    if said.dont_fragment && from.is_ipv6() {
        return Err("df is of IPv4; an IPv6 packet is never fragmented on its way".into());
    }
    let protocol = match said.protocol {
        None => protocol::UDP,
        Some(Protocol::Icmp) if from.is_ipv4() => protocol::ICMP,
        Some(Protocol::Icmp) => protocol::ICMPV6,
        Some(Protocol::Number(number)) => number,
    };
    let packets = Packets::Words(Words {
        from,
        to,
        protocol,
        source_port: said.source_port.unwrap_or(49_152),
        destination_port: said.destination_port.unwrap_or(5004),
        dscp: said.dscp.unwrap_or(0),
        ttl: said.ttl.unwrap_or(64),
        size: said.size.unwrap_or(100),
        dont_fragment: said.dont_fragment,
        vlan: said.vlan,
        labels: said.labels,
    });
    Ok(Question { interface: said.interface.ok_or_else(|| missing("in"))?, packets })
}

/// Only where packets come in.
///
/// # Errors
/// Words that say more, or not that.
pub(super) fn interface(words: &[String]) -> Result<String, String> {
    match words {
        [word, name] if word == "in" => Ok(name.clone()),
        _ => Err("with --pcap say only where the packets come in: in INTERFACE".into()),
    }
}

fn read(words: &[String]) -> Result<Said, String> {
    let mut said = Said::default();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or_else(|| format!("{word} wants a value; {ALLOWED}"));
        match word {
            "in" => said.interface = Some(next()?.into()),
            "from" => said.from = Some(value(word, next()?, "an address")?),
            "to" => said.to = Some(value(word, next()?, "an address")?),
            "udp" => said.protocol = Some(Protocol::Number(protocol::UDP)),
            "tcp" => said.protocol = Some(Protocol::Number(protocol::TCP)),
            "icmp" => said.protocol = Some(Protocol::Icmp),
            "proto" => said.protocol = Some(Protocol::Number(value(word, next()?, "0 to 255")?)),
            "sport" => said.source_port = Some(value(word, next()?, "0 to 65535")?),
            "dport" => said.destination_port = Some(value(word, next()?, "0 to 65535")?),
            "dscp" => said.dscp = Some(mark(next()?)?),
            "label" => {
                let label = crate::hops::label(next()?)?;
                said.labels.push(LabelWords { label, tc: 0, ttl: 64 });
            }
            "tc" | "ttl" if said.of_label => {
                let Some(last) = said.labels.last_mut() else { continue };
                match word {
                    "tc" => last.tc = value::<u8>(word, next()?, "0 to 7")?,
                    _ => last.ttl = value(word, next()?, "0 to 255")?,
                }
            }
            "tc" => return Err(format!("tc stands behind no label; {ALLOWED}")),
            "ttl" => said.ttl = Some(value(word, next()?, "0 to 255")?),
            "size" => said.size = Some(value(word, next()?, "28 to 9100")?),
            "df" => said.dont_fragment = true,
            "vlan" => said.vlan = Some(vlan(next()?)?),
            other => return Err(format!("\"{other}\" is not understood; {ALLOWED}")),
        }
        said.of_label = matches!(word, "label") || said.of_label && matches!(word, "tc" | "ttl");
    }
    Ok(said)
}

fn value<T: FromStr>(word: &str, text: &str, allowed: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{word} {text}; allowed: {allowed}"))
}

fn mark(text: &str) -> Result<u8, String> {
    dscp::parse(text).ok_or_else(|| format!("dscp {text}; allowed: a name such as ef or af11, or 0 to 63"))
}

fn vlan(text: &str) -> Result<Vec<u16>, String> {
    let ids: Option<Vec<u16>> = text.split('.').map(|id| id.parse().ok().filter(|id| *id < 4096)).collect();
    ids.filter(|ids| ids.len() <= 2)
        .ok_or_else(|| format!("vlan {text}; allowed: an id, or two with a dot between, 0 to 4095 each"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<Question, String> {
        question(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_said_is_a_small_datagram_of_udp() {
        let question = asked("in ge0 from 10.0.0.5 to 10.1.0.9").unwrap();
        let Packets::Words(words) = question.packets else { panic!() };
        assert_eq!((question.interface.as_str(), words.protocol, words.ttl), ("ge0", 17, 64));
        assert_eq!((words.dscp, words.size, words.vlan), (0, 100, None));
    }

    #[test]
    fn all_of_it_can_be_said() {
        let text = "from 2001:db8::5 in ge0 to 2001:db8::9 icmp dscp ef ttl 1 size 1280 vlan 200.100";
        let Packets::Words(words) = asked(text).unwrap().packets else { panic!() };
        assert_eq!((words.protocol, words.dscp, words.ttl, words.size), (58, 46, 1, 1280));
        assert_eq!(words.vlan, Some(vec![200, 100]));
    }

    #[test]
    fn labels_stand_outermost_first_with_what_follows_each() {
        let text = "in core0 label 30012 tc 5 ttl 9 label 17 ttl 8 from 10.0.0.5 ttl 7 to 10.1.0.9";
        let Packets::Words(words) = asked(text).unwrap().packets else { panic!() };
        let labels: Vec<_> = words.labels.iter().map(|l| (l.label, l.tc, l.ttl)).collect();
        assert_eq!((labels, words.ttl), (vec![(30_012, 5, 9), (17, 0, 8)], 7));
    }

    #[test]
    fn wrong_words_are_told_with_what_is_allowed() {
        for (text, told) in [
            ("from 10.0.0.5 to 10.1.0.9", "no in"),
            ("in ge0 to 10.1.0.9", "no from"),
            ("in ge0 from 10.0.0.5 to ::1", "not of one family"),
            ("in ge0 from ten", "from ten; allowed: an address"),
            ("in ge0 via 10.0.0.5", "\"via\" is not understood; words are"),
            ("in ge0 dscp gold", "allowed: a name such as ef"),
            ("in ge0 from ::1 to ::2 df", "df is of IPv4"),
            ("in ge0 vlan 1.2.3", "two with a dot"),
            ("in ge0 tc 5", "tc stands behind no label"),
            ("in ge0 label 16 from ::1 tc 5", "tc stands behind no label"),
            ("in ge0 label 1048576", "is no label"),
            ("in", "in wants a value"),
        ] {
            let error = asked(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
