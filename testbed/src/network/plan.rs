//! Whole provider networks, written as the operator would write them: a ring of P
//! routers, PE routers on it, and communities with one site at every PE whose
//! addresses are the same in each community.
//!
//! ```text
//!   CE (or host) ─ c1 ┐                                     ┌ c1 ─ CE (or host)
//!   CE (or host) ─ c2 ┤ pe1 ─ core ── p1 ── … ── pm ─ core ─ pen ┤ c2 ─ CE (or host)
//! ```
//!
//! A packet from PE to PE carries two labels until the penultimate hop takes the
//! outer one off (RFC 4364 section 5, RFC 3031 section 3.16).

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// How large a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// PE routers, 1 to 4,000.
    pub pes: usize,
    /// P routers in a ring, 1 to 4,000. PE `n` is on P `n` (modulo their number).
    pub ps: usize,
    /// Communities, 0 to 4,000, each with a site at every PE.
    pub communities: usize,
    /// Whether a CE router stands before each site's hosts.
    pub ces: bool,
}

/// One end of a line: a router and its port, both by name.
pub type LineEnd = (String, String);

/// Vpn label of community 1; that of `n` is `n − 1` more.
pub const VPN_LABEL: u32 = 20_000;
/// Label of the LSP to PE 1, at every router; that to PE `n` is `n − 1` more.
pub const LSP_LABEL: u32 = 16_000;

/// The addresses of a site: the same in every community.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site(usize);

impl Site {
    /// The site at PE `n`, 1 and up.
    pub fn at(pe: usize) -> Self {
        Self(pe)
    }

    fn v4(self, subnet: usize, host: u8) -> Ipv4Addr {
        Ipv4Addr::from(10 << 24 | (self.0 as u32) << 12 | (subnet as u32) << 8 | u32::from(host))
    }

    fn v6(self, subnet: u16, host: u16) -> Ipv6Addr {
        Ipv6Addr::new(0x2001, 0xdb8, self.0 as u16, subnet, 0, 0, 0, host)
    }

    /// All its addresses: a /20 and a /48.
    pub fn prefixes(self) -> [IpNet; 2] {
        [net(self.v4(0, 0).into(), 20), net(self.v6(0, 0).into(), 48)]
    }

    /// Router or host `host` on its subnet, 0 that of the PE, 1 behind the CE.
    pub fn addresses(self, subnet: u8, host: u8) -> [IpAddr; 2] {
        [self.v4(subnet.into(), host).into(), self.v6(subnet.into(), host.into()).into()]
    }

    fn on(self, subnet: u8, host: u8) -> [IpNet; 2] {
        let [v4, v6] = self.addresses(subnet, host);
        [net(v4, 24), net(v6, 64)]
    }
}

/// The router's address on a site's subnet ends so.
const ROUTER: u8 = 254;
/// The host's address, and that of a CE router towards its PE, ends so.
const HOST: u8 = 1;

fn net(address: IpAddr, length: u8) -> IpNet {
    IpNet::new_assert(address, length)
}

impl Plan {
    /// Every router's name and configuration: PEs, Ps, then CEs.
    pub fn configurations(&self) -> Vec<(String, String)> {
        let pes = (1..=self.pes).map(|n| (pe(n), self.pe_text(n)));
        let ps = (1..=self.ps).map(|n| (p(n), self.p_text(n)));
        let ces = self.sites().filter(|_| self.ces).map(|(n, c)| (ce(n, c), ce_text(n, c)));
        pes.chain(ps).chain(ces).collect()
    }

    /// Every site: its PE and its community, 1 and up.
    pub fn sites(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let communities = self.communities;
        (1..=self.pes).flat_map(move |n| (1..=communities).map(move |c| (n, c)))
    }

    /// Every line between two routers.
    pub fn lines(&self) -> Vec<(LineEnd, LineEnd)> {
        let core = (1..=self.pes).map(|n| ((pe(n), "core".into()), (p(self.p_of(n)), pe(n))));
        let ring = self.ring().map(|(a, b)| ((p(a), p(b)), (p(b), p(a))));
        let access = self.sites().filter(|_| self.ces);
        let access = access.map(|(n, c)| ((pe(n), vrf(c)), (ce(n, c), "wan".into())));
        core.chain(ring).chain(access).collect()
    }

    /// The port that the hosts of community `c` at PE `n` are on, and the addresses of
    /// the router there and of the host.
    pub fn access(&self, n: usize, c: usize) -> (LineEnd, [IpNet; 2], [IpNet; 2]) {
        let subnet = u8::from(self.ces);
        let port = if self.ces { (ce(n, c), "lan".into()) } else { (pe(n), vrf(c)) };
        (port, Site(n).on(subnet, ROUTER), Site(n).on(subnet, HOST))
    }

    /// `[[community]]` entries that say: each community is closed.
    pub fn intent(&self) -> String {
        let entry = |c| format!("[[community]]\nname = \"{0}\"\nmembers = [\"{0}\"]\n", vrf(c));
        (1..=self.communities).map(entry).collect()
    }

    /// The P that PE `n` is on.
    fn p_of(&self, n: usize) -> usize {
        (n - 1) % self.ps + 1
    }

    /// Neighbours in the ring, each pair once.
    fn ring(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let ps = self.ps;
        let pairs = (1..ps).map(|n| (n, n + 1));
        pairs.chain((ps > 2).then_some((ps, 1)))
    }

    /// The next P from `at` on the shorter way to `to`.
    fn toward(&self, at: usize, to: usize) -> usize {
        let right = (to + self.ps - at) % self.ps;
        let step = if right * 2 <= self.ps { 1 } else { self.ps - 1 };
        (at - 1 + step) % self.ps + 1
    }

    /// The addresses of a line's two ends, PE or lower P first: lines of PEs, then of the ring.
    fn core_line(&self, line: usize) -> [Ipv4Addr; 2] {
        let base = 172 << 24 | 16 << 16 | (line as u32) << 2;
        [Ipv4Addr::from(base | 1), Ipv4Addr::from(base | 2)]
    }

    /// Own and far address of P `a` on the line to P `b`.
    fn ring_line(&self, a: usize, b: usize) -> [Ipv4Addr; 2] {
        let at = self.ring().position(|pair| pair == (a, b) || pair == (b, a)).unwrap_or(0);
        let [low, high] = self.core_line(self.pes + at);
        if self.ring().any(|pair| pair == (a, b)) { [low, high] } else { [high, low] }
    }

    fn pe_text(&self, n: usize) -> String {
        let [own, next] = self.core_line(n - 1);
        let mut text = head(&pe(n));
        core(&mut text, "core", own, &format!("{}-{}", pe(n), p(self.p_of(n))));
        loopback(&mut text, pe_loopback(n));
        for c in 1..=self.communities {
            put(&mut text, format!("[[vrf]]\nname = \"{}\"\nrd = \"65000:{c}\"\n", vrf(c)));
            put(
                &mut text,
                format!("[[label]]\nlabel = {}\nvrf = \"{}\"\n", VPN_LABEL + c as u32 - 1, vrf(c)),
            );
            access(&mut text, &vrf(c), Some(&vrf(c)), Site(n).on(0, ROUTER));
            if self.ces {
                let [v4, v6] = Site(n).addresses(0, HOST);
                route(&mut text, Some(&vrf(c)), net(Site(n).v4(1, 0).into(), 24), v4, None);
                route(&mut text, Some(&vrf(c)), net(Site(n).v6(1, 0).into(), 64), v6, None);
            }
        }
        for other in (1..=self.pes).filter(|other| *other != n) {
            let egress = pe_loopback(other).into();
            route(&mut text, None, net(egress, 32), next.into(), Some(LSP_LABEL + other as u32 - 1));
            for c in 1..=self.communities {
                let label = Some(VPN_LABEL + c as u32 - 1);
                for prefix in Site(other).prefixes() {
                    route(&mut text, Some(&vrf(c)), prefix, egress, label);
                }
            }
        }
        text
    }

    fn p_text(&self, n: usize) -> String {
        let mut text = head(&p(n));
        for other in (1..=self.pes).filter(|other| self.p_of(*other) == n) {
            let [_, own] = self.core_line(other - 1);
            core(&mut text, &pe(other), own, &format!("{}-{}", pe(other), p(n)));
        }
        for (a, b) in self.ring().filter(|(a, b)| *a == n || *b == n) {
            let other = if a == n { b } else { a };
            core(&mut text, &p(other), self.ring_line(n, other)[0], &format!("{}-{}", p(a), p(b)));
        }
        for other in 1..=self.pes {
            let at = self.p_of(other);
            let label = LSP_LABEL + other as u32 - 1;
            let (what, via) = match at == n {
                true => ("pop = true".into(), self.core_line(other - 1)[0]),
                false => (format!("swap = {label}"), self.ring_line(n, self.toward(n, at))[1]),
            };
            put(&mut text, format!("[[label]]\nlabel = {label}\n{what}\nvia = \"{via}\"\n"));
            route(&mut text, None, net(pe_loopback(other).into(), 32), via.into(), None);
        }
        text
    }
}

fn pe(n: usize) -> String {
    format!("pe{n}")
}

fn p(n: usize) -> String {
    format!("p{n}")
}

fn ce(n: usize, c: usize) -> String {
    format!("ce{n}-{c}")
}

fn vrf(c: usize) -> String {
    format!("c{c}")
}

fn pe_loopback(n: usize) -> Ipv4Addr {
    Ipv4Addr::from(172 << 24 | 31 << 16 | n as u32)
}

fn put(text: &mut String, more: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{more}");
}

fn head(name: &str) -> String {
    format!("[router]\nname = \"{name}\"\n\n")
}

fn port(text: &mut String, name: &str) {
    put(text, format!("[[port]]\nname = \"{name}\"\nkind = \"loopback\"\n"));
}

/// A port and an interface with labels; two labels fit above the longest datagram.
fn core(text: &mut String, name: &str, own: Ipv4Addr, link: &str) {
    port(text, name);
    let mpls = format!("mpls = true\nmpls-mtu = 1508\nlink = \"{link}\"");
    put(text, format!("[[interface]]\nname = \"{name}\"\naddresses = [\"{own}/30\"]\n{mpls}\n"));
}

/// The address by which other routers know it.
fn loopback(text: &mut String, address: Ipv4Addr) {
    port(text, "lo");
    put(text, format!("[[interface]]\nname = \"lo\"\naddresses = [\"{address}/32\"]\n"));
}

/// A port and an interface without labels.
fn access(text: &mut String, name: &str, vrf: Option<&str>, [v4, v6]: [IpNet; 2]) {
    port(text, name);
    let vrf = vrf.map_or(String::new(), |vrf| format!("vrf = \"{vrf}\"\n"));
    put(text, format!("[[interface]]\nname = \"{name}\"\n{vrf}addresses = [\"{v4}\", \"{v6}\"]\n"));
}

fn route(text: &mut String, vrf: Option<&str>, prefix: IpNet, via: IpAddr, push: Option<u32>) {
    let vrf = vrf.map_or(String::new(), |vrf| format!("vrf = \"{vrf}\"\n"));
    let push = push.map_or(String::new(), |label| format!("push = [{label}]\n"));
    put(text, format!("[[route]]\n{vrf}prefix = \"{prefix}\"\nvia = \"{via}\"\n{push}"));
}

/// A customer's own router: its site behind it, and the PE as the way to all else.
fn ce_text(n: usize, c: usize) -> String {
    let mut text = head(&ce(n, c));
    access(&mut text, "wan", None, Site(n).on(0, HOST));
    access(&mut text, "lan", None, Site(n).on(1, ROUTER));
    let all = [net(Ipv4Addr::UNSPECIFIED.into(), 0), net(Ipv6Addr::UNSPECIFIED.into(), 0)];
    for (all, via) in all.into_iter().zip(Site(n).addresses(0, ROUTER)) {
        route(&mut text, None, all, via, None);
    }
    text
}
