//! Prefix lists, VPNs, communities and extranets.

use ahash::{AHashMap, AHashSet};
use ipnet::IpNet;
use prefix_trie::joint::map::JointPrefixMap;

use super::Checks;
use crate::config::community::{Community, Extranet, Member};
use crate::config::prefix_list::{PrefixList, PrefixRule};
use crate::config::types::Vrf;
use crate::config::vpn::TargetRule;
use crate::config::walk::{help_words, nearest};

/// Who names a Vrf as a member: communities by their place.
#[derive(Default)]
struct Named<'a> {
    /// The first that does, of whatever router.
    first: Option<usize>,
    /// The first that names it on every router.
    everywhere: Option<usize>,
    /// The first that names it on one router.
    on: AHashMap<&'a str, usize>,
}

impl<'a> Named<'a> {
    /// Adds a member of the community `i`; gives the community that has it already.
    fn add(&mut self, member: &'a Member, i: usize) -> Option<usize> {
        let before = match member.router.as_deref() {
            None => self.first,
            Some(router) => self.everywhere.or_else(|| self.on.get(router).copied()),
        };
        self.first.get_or_insert(i);
        match member.router.as_deref() {
            None => _ = self.everywhere.get_or_insert(i),
            Some(router) => _ = self.on.entry(router).or_insert(i),
        }
        before
    }
}

impl Checks<'_> {
    pub(super) fn prefix_lists(&self, whole: bool) {
        for (i, list) in self.config.prefix_lists.iter().enumerate() {
            if whole && list.entries.iter().all(|rule| rule.deny) {
                let message = format!("no prefix is in the list \"{}\"", list.name);
                let help = "a prefix that matches no entry is not in the list; add one without \"deny\"";
                self.fault("prefix-list", i, "entries", message, help);
            }
            self.shadowed(i, list);
        }
    }

    /// Entries that no prefix comes to, because one before matches whatever they match.
    fn shadowed(&self, i: usize, list: &PrefixList) {
        let mut before: JointPrefixMap<IpNet, Vec<usize>> = JointPrefixMap::new();
        let rule = |at: &usize| list.entries.get(*at);
        for (n, entry) in list.entries.iter().enumerate() {
            let around = before.cover(&entry.prefix).flat_map(|(_, at)| at);
            let covers = |at: &&usize| rule(at).is_some_and(|r: &PrefixRule| r.covers(entry));
            if let Some(other) = around.filter(covers).min().and_then(rule) {
                let message = format!("\"{entry}\" can never match: \"{other}\" before it matches all of it");
                let help = "put the narrower entry first, or leave it out";
                self.fault("prefix-list", i, &format!("entries[{n}]"), message, help);
                continue;
            }
            match before.get_mut(&entry.prefix) {
                Some(same) => same.push(n),
                None => drop(before.insert(entry.prefix, vec![n])),
            }
        }
    }

    pub(super) fn vpns(&self, whole: bool) {
        let mut known = AHashMap::new();
        for (i, vrf) in self.config.vrfs.iter().enumerate() {
            match vrf.rd {
                Some(rd) => {
                    if let Some(other) = known.insert(rd, &vrf.name) {
                        let message = format!("the vrf \"{other}\" has the route distinguisher {rd}");
                        let help = "give each vrf its own, so that overlapping prefixes stay apart";
                        self.fault("vrf", i, "rd", message, help);
                    }
                }
                None if whole => self.needs_rd(i, vrf),
                None => {}
            }
            self.target_rules(i, "import", &vrf.import);
            self.target_rules(i, "export", &vrf.export);
        }
    }

    fn needs_rd(&self, i: usize, vrf: &Vrf) {
        let key = if vrf.export.is_empty() { "import" } else { "export" };
        if !vrf.export.is_empty() || !vrf.import.is_empty() {
            let message = format!("the vrf \"{}\" has no route distinguisher", vrf.name);
            self.fault("vrf", i, key, message, "give one, such as rd = \"65000:1\" (RFC 4364 section 4.2)");
        }
    }

    fn target_rules(&self, i: usize, key: &str, rules: &[TargetRule]) {
        let mut known = AHashSet::new();
        for (n, rule) in rules.iter().enumerate() {
            let key = if rules.len() == 1 { key.to_owned() } else { format!("{key}[{n}]") };
            if !known.insert((rule.target, &rule.prefixes)) {
                self.fault("vrf", i, &key, format!("{} is named twice", rule.target), "name it once");
            }
            if let Some(name) = &rule.prefixes
                && !self.prefix_lists.contains_key(name.as_str())
            {
                let known = self.config.prefix_lists.iter().map(|l| l.name.as_str());
                let message = format!("there is no prefix-list \"{name}\"");
                self.fault("vrf", i, &format!("{key}.prefixes"), message, help_words(name, known));
            }
        }
    }

    pub(super) fn communities(&self, whole: bool) {
        let mut named: AHashMap<&str, Named<'_>> = AHashMap::new();
        for (i, community) in self.config.communities.iter().enumerate() {
            if whole && community.members.is_empty() {
                let message = format!("the community \"{}\" has no members", community.name);
                self.fault("community", i, "name", message, "give members = [\"VRF\", \"ROUTER:VRF\"]");
            }
            for (n, member) in community.members.iter().enumerate() {
                let key = format!("members[{n}]");
                self.member(i, &key, member);
                if let Some(other) = named.entry(&member.vrf).or_default().add(member, i) {
                    self.twice(i, &key, other, member);
                }
            }
            self.parts(i, community);
        }
    }

    /// Those that have a part of their own are members, and have no contrary part.
    fn parts(&self, i: usize, community: &Community) {
        self.part(i, community, "hubs", "the hub ", &community.hubs);
        self.part(i, community, "send-only", "", &community.send_only);
        self.part(i, community, "receive-only", "", &community.receive_only);
        for (n, member) in community.receive_only.iter().enumerate() {
            let same = |m: &&Member| {
                m.vrf == member.vrf
                    && (m.router == member.router || m.router.is_none() || member.router.is_none())
            };
            if let Some(other) = community.send_only.iter().find(same) {
                let message = format!("\"{member}\" is to receive only, and \"{other}\" to send only");
                let help = "take it out of one; out of members, where it does neither";
                self.fault("community", i, &format!("receive-only[{n}]"), message, help);
            }
        }
    }

    fn part(&self, i: usize, community: &Community, key: &str, noun: &str, list: &[Member]) {
        let members: AHashSet<(Option<&str>, &str)> =
            community.members.iter().map(|m| (m.router.as_deref(), m.vrf.as_str())).collect();
        let mut known = AHashSet::new();
        for (n, member) in list.iter().enumerate() {
            let (router, vrf) = (member.router.as_deref(), member.vrf.as_str());
            if !members.contains(&(None, vrf)) && !members.contains(&(router, vrf)) {
                let members: Vec<String> = community.members.iter().map(Member::to_string).collect();
                let message = format!("{noun}\"{member}\" is no member of \"{}\"", community.name);
                let help = help_words(&member.to_string(), members.iter().map(String::as_str));
                self.fault("community", i, &format!("{key}[{n}]"), message, help);
            } else if !known.insert(member) {
                let message = format!("\"{member}\" is named twice");
                self.fault("community", i, &format!("{key}[{n}]"), message, "name it once");
            }
        }
    }

    fn twice(&self, i: usize, key: &str, other: usize, member: &Member) {
        let community = self.config.communities.get(other).map_or("", |c| c.name.as_str());
        let (message, help) = match i == other {
            true => (format!("\"{member}\" is named twice"), "name it once; VRF names it on every router"),
            false => (
                format!("\"{member}\" is in the community \"{community}\" already"),
                "a vrf is in one community; let others reach it by [[extranet]]",
            ),
        };
        self.fault("community", i, key, message, help);
    }

    /// A member of this router must be there. One without a router may be on other
    /// routers only; it is doubted where it looks like a slip of the pen.
    fn member(&self, i: usize, key: &str, member: &Member) {
        let here = self.config.router.name == member.router.as_deref().unwrap_or_default();
        let whole_name = member.to_string();
        if member.router.is_some() && self.vrfs.contains_key(whole_name.as_str()) {
            let message = format!("\"{whole_name}\" is the vrf \"{}\" of another router", member.vrf);
            let help = format!("the vrf of this one is \"{}:{whole_name}\"", self.config.router.name);
            self.fault("community", i, key, message, help);
        } else if here && !self.is_vrf(&member.vrf) {
            let known = self.config.vrfs.iter().map(|v| v.name.as_str()).chain(["default"]);
            let message = format!("this router has no vrf \"{}\"", member.vrf);
            self.fault("community", i, key, message, help_words(&member.vrf, known));
        } else if member.router.is_none() && !self.is_vrf(&member.vrf) {
            let in_none =
                |name: &&str| !self.config.communities.iter().any(|c| c.has(&self.config.router.name, name));
            let free = self.config.vrfs.iter().map(|v| v.name.as_str()).filter(in_none);
            if let Some(meant) = nearest(&member.vrf, free) {
                let message = format!("there is no vrf \"{}\"", member.vrf);
                let help =
                    format!("did you mean \"{meant}\"? One of another router is \"ROUTER:{}\"", member.vrf);
                self.fault("community", i, key, message, help);
            }
        }
    }

    pub(super) fn extranets(&self, whole: bool) {
        let mut known = AHashSet::new();
        for (i, extranet) in self.config.extranets.iter().enumerate() {
            for (key, name) in [("from", &extranet.from), ("to", &extranet.to)] {
                if !self.communities.contains_key(name.as_str()) {
                    let known = self.config.communities.iter().map(|c| c.name.as_str());
                    let message = format!("there is no community \"{name}\"");
                    self.fault("extranet", i, key, message, help_words(name, known));
                }
            }
            if extranet.from == extranet.to {
                let message = format!("\"{}\" reaches itself without it", extranet.to);
                self.fault("extranet", i, "to", message, "name another community, or leave the entry out");
            } else if !known.insert((&extranet.from, &extranet.to)) {
                let message = format!("there is another from \"{}\" to \"{}\"", extranet.from, extranet.to);
                self.fault("extranet", i, "to", message, "write one with all prefixes");
            }
            self.extranet_prefixes(i, extranet, whole);
        }
    }

    fn extranet_prefixes(&self, i: usize, extranet: &Extranet, whole: bool) {
        if whole && extranet.prefixes.is_empty() {
            let message = format!("\"{}\" may send to nothing in \"{}\"", extranet.from, extranet.to);
            self.fault(
                "extranet",
                i,
                "to",
                message,
                "give prefixes = [\"10.1.0.0/24\"], destinations in \"to\"",
            );
        }
        for (n, prefix) in extranet.prefixes.iter().enumerate() {
            if prefix.trunc() != *prefix {
                let message = format!("{prefix} has bits set past its length");
                let help = format!("did you mean {}?", prefix.trunc());
                self.fault("extranet", i, &format!("prefixes[{n}]"), message, help);
            }
        }
    }
}
