//! Which packets' class or marks would change from one configuration to another: each packet
//! goes through the engine's own stages over both Snapshots, up to where it would be rewritten.
//!
//! As it comes in, a packet is of a class and a colour and has a mark, below labels that end
//! here once they are off; as it leaves, it has the class, the DSCP, the traffic class of its
//! labels and the priority of its tags that the rules and maps of what goes out give it. Or it
//! ends, for a reason. Meters are taken to be full: what is done with green is done; what is done
//! with what is more is compared by itself. Neighbours are taken to answer.

mod judge;

use std::collections::BTreeMap;

use dataplane::class::{Colour, TrafficClass};
use dataplane::packet::{HEADROOM, JUMBO_CAPACITY};
use dataplane::qos::{MeterKind, MeterSpec};
use dataplane::table::Snapshot;
use serde::{Serialize, Serializer};

use self::judge::{Comes, Judged, judge, port_of};
use crate::engine::meters;
use crate::explain::{Question, describe_frame, frames, knows};

/// What a configuration makes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treated {
    /// It is of this class and colour, and goes on with this DSCP; `None` for a labelled one,
    /// whose own mark stays.
    As {
        /// Its class.
        #[serde(serialize_with = "name")]
        class: TrafficClass,
        /// Its colour.
        #[serde(serialize_with = "name")]
        colour: Colour,
        /// Its DSCP, 0 to 63.
        dscp: Option<u8>,
    },
    /// It goes no further, for this reason.
    Ended(String),
}

/// What a packet leaves as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// Of this class and colour, with these marks.
    As {
        /// Its class.
        #[serde(serialize_with = "name")]
        class: TrafficClass,
        /// Its colour.
        #[serde(serialize_with = "name")]
        colour: Colour,
        /// Its DSCP, 0 to 63; `None` for what came labelled and leaves so.
        dscp: Option<u8>,
        /// Of what leaves labelled: the traffic class of its top label, 0 to 7.
        tc: Option<u8>,
        /// Of what leaves tagged: the 802.1p priority, 0 to 7.
        priority: Option<u8>,
    },
    /// It does not leave, for this reason.
    Ended(String),
}

/// What may be another thing of a packet than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Differs {
    /// Its class as it comes in.
    Class,
    /// Its colour as it comes in.
    Colour,
    /// The DSCP it goes on with.
    Dscp,
    /// Its class as it leaves.
    ClassOut,
    /// Its colour as it leaves.
    ColourOut,
    /// The DSCP it leaves with.
    DscpOut,
    /// The traffic class of the labels it leaves with.
    TcOut,
    /// The priority of the tags it leaves with.
    PriorityOut,
    /// Whether, or why, it ends here.
    End,
}

impl Differs {
    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Colour => "colour",
            Self::Dscp => "dscp",
            Self::ClassOut => "class-out",
            Self::ColourOut => "colour-out",
            Self::DscpOut => "dscp-out",
            Self::TcOut => "tc-out",
            Self::PriorityOut => "priority-out",
            Self::End => "end",
        }
    }
}

/// What a configuration makes of a packet, where it comes in and where it leaves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    comes: Treated,
    leaves: Left,
}

impl Way {
    /// What is not the same; what follows from what comes before is named too.
    fn differs(&self, other: &Self) -> Vec<Differs> {
        let mut found = Vec::new();
        let mut note = |what, differs: bool| found.extend(differs.then_some(what));
        match (&self.comes, &other.comes) {
            (
                Treated::As { class, colour, dscp },
                Treated::As { class: new_class, colour: new_colour, dscp: new_dscp },
            ) => {
                note(Differs::Class, class != new_class);
                note(Differs::Colour, colour != new_colour);
                note(Differs::Dscp, dscp != new_dscp);
            }
            (old, new) => note(Differs::End, old != new),
        }
        match (&self.leaves, &other.leaves) {
            (
                Left::As { class, colour, dscp, tc, priority },
                Left::As { class: new_class, colour: new_colour, dscp: new_dscp, tc: new_tc, priority: new },
            ) => {
                note(Differs::ClassOut, class != new_class);
                note(Differs::ColourOut, colour != new_colour);
                note(Differs::DscpOut, dscp != new_dscp);
                note(Differs::TcOut, tc != new_tc);
                note(Differs::PriorityOut, priority != new);
            }
            (old, new) => note(Differs::End, old != new),
        }
        found.dedup();
        found
    }
}

fn name<S: Serializer, T: std::fmt::Debug>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&format!("{value:?}").to_lowercase())
}

/// Packets that both configurations know an interface for, and that one treats otherwise
/// than the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The interface that they come in by; empty where neither has one for their tags.
    pub interface: String,
    /// What they are as they come in.
    pub old: Treated,
    /// What they would be.
    pub new: Treated,
    /// What they leave as.
    pub old_leaves: Left,
    /// What they would leave as.
    pub new_leaves: Left,
    /// What of it is another thing.
    pub differs: Vec<Differs>,
    /// How many.
    pub packets: u64,
    /// Bytes of their frames, without FCS.
    pub bytes: u64,
    /// The first of them, in words.
    pub example: String,
    /// The first one's number in the file, from 1.
    pub number: u64,
}

/// Packets whose class is metered otherwise than it was, whatever becomes of them while the meters are full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metered {
    /// The interface that they come in by.
    pub interface: String,
    /// Their class.
    pub class: String,
    /// What meters them, and does with what is yellow and red.
    pub old: String,
    /// What would.
    pub new: String,
    /// How many.
    pub packets: u64,
}

/// What would change, most packets first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reclassed {
    /// Packets of the files.
    pub read: u64,
    /// Packets looked at, counted once for each port that they were taken to come in by.
    pub packets: u64,
    /// Those whose class, colour or marks would change, as they come in or as they leave.
    pub changed: u64,
    /// Those longer than any buffer of a router, not looked at.
    pub skipped: u64,
    /// Alike ones together.
    pub rows: Vec<Changed>,
    /// What would be done otherwise with more than meters let pass.
    pub metered: Vec<Metered>,
}

/// Looks at packets, one by one.
#[derive(Debug)]
pub struct Comparison<'a> {
    old: &'a Snapshot,
    new: &'a Snapshot,
    rows: BTreeMap<(String, Way, Way), Changed>,
    /// Packets by interface, class, and what was said of what is more, and is.
    metered: BTreeMap<(String, TrafficClass, String, String), u64>,
    packets: u64,
    changed: u64,
    skipped: u64,
    read: u64,
}

impl<'a> Comparison<'a> {
    /// From `old` to `new`.
    pub fn new(old: &'a Snapshot, new: &'a Snapshot) -> Self {
        let (rows, metered) = (BTreeMap::new(), BTreeMap::new());
        Self { old, new, rows, metered, packets: 0, changed: 0, skipped: 0, read: 0 }
    }

    /// A captured frame, number `number` of its file, that comes in by the port or interface
    /// called `place`, or by any port. Its station address is taken to be right. One that is
    /// longer than any buffer is only counted.
    ///
    /// # Errors
    /// A place that neither configuration has.
    pub fn frame(&mut self, bytes: &[u8], number: u64, place: Option<&str>) -> Result<(), String> {
        let ports = self.ports(place)?;
        self.read += 1;
        if bytes.len() > JUMBO_CAPACITY - HEADROOM {
            self.skipped += 1;
            return Ok(());
        }
        for port in ports {
            let comes = Comes { port: &port, bytes };
            self.on(comes, comes, number)?;
        }
        Ok(())
    }

    /// A packet in words, which say where it comes in: where both configurations know the interface, it
    /// comes to each by the port, and with the tags, that the interface has there.
    ///
    /// # Errors
    /// What is wrong with it, by the old configuration, or by the new one where the old does
    /// not know the place.
    pub fn question(&mut self, question: &Question, number: u64) -> Result<(), String> {
        self.read += 1;
        let place = &*question.interface;
        let (old, new) = match (knows(place, self.old), knows(place, self.new)) {
            (false, true) => (self.new, self.new),
            (true, false) => (self.old, self.old),
            _ => (self.old, self.new),
        };
        let (before, after) = (frames(question, old)?, frames(question, new)?);
        let (from, to) = (port_of(place, old), port_of(place, new));
        for (old, new) in before.iter().zip(&after) {
            if old.len().max(new.len()) > JUMBO_CAPACITY - HEADROOM {
                self.skipped += 1;
                continue;
            }
            self.on(Comes { port: &from, bytes: old }, Comes { port: &to, bytes: new }, number)?;
        }
        Ok(())
    }

    /// What was found.
    pub fn done(self) -> Reclassed {
        let mut rows: Vec<Changed> = self.rows.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.packets));
        let metered = |((interface, class, old, new), packets): (_, u64)| {
            let (interface, class): (String, TrafficClass) = (interface, class);
            Metered { interface, class: class.name().into(), old, new, packets }
        };
        let mut metered: Vec<Metered> = self.metered.into_iter().map(metered).collect();
        metered.sort_by_key(|row| std::cmp::Reverse(row.packets));
        Reclassed {
            read: self.read,
            packets: self.packets,
            changed: self.changed,
            skipped: self.skipped,
            rows,
            metered,
        }
    }

    /// The names of the ports that `place` means.
    fn ports(&self, place: Option<&str>) -> Result<Vec<String>, String> {
        let both = || [self.old, self.new].into_iter();
        let all = both().flat_map(|s| s.ports.iter().map(|(_, port)| port.name.to_string()));
        let Some(place) = place else {
            return Ok(all.collect::<std::collections::BTreeSet<_>>().into_iter().collect());
        };
        let known = |s: &&Snapshot| s.interface_named(place).is_some();
        let of_interface = both().find(known).map(|s| port_of(place, s));
        let port = of_interface.or_else(|| all.into_iter().find(|name| name == place));
        port.map(|port| vec![port]).ok_or_else(|| format!("there is no interface or port \"{place}\""))
    }

    /// A packet as it comes to the old configuration, and to the new one.
    fn on(&mut self, before: Comes<'_>, after: Comes<'_>, number: u64) -> Result<(), String> {
        let Judged { interface: was, way: old, metered: was_metered, .. } = judge(self.old, before)?;
        let Judged { interface: is, way: new, metered, meta } = judge(self.new, after)?;
        let bytes = after.bytes;
        self.packets += 1;
        let interface = if is.is_empty() { was } else { is };
        if let (Some((class, was)), Some((same, is))) = (was_metered, metered)
            && class == same
        {
            let (was, is) = (beyond(was.as_ref()), beyond(is.as_ref()));
            if was != is {
                *self.metered.entry((interface.clone(), class, was, is)).or_default() += 1;
            }
        }
        let differs = old.differs(&new);
        if differs.is_empty() {
            return Ok(());
        }
        self.changed += 1;
        let row = self.rows.entry((interface.clone(), old.clone(), new.clone())).or_insert_with(|| Changed {
            interface,
            old: old.comes,
            new: new.comes,
            old_leaves: old.leaves,
            new_leaves: new.leaves,
            differs,
            packets: 0,
            bytes: 0,
            example: describe_frame(bytes, &meta),
            number,
        });
        row.packets += 1;
        row.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// What meters, and what is done with what it finds more than is committed.
fn beyond(spec: Option<&MeterSpec>) -> String {
    let Some(spec) = spec else { return "no meter".into() };
    let [_, yellow, red] = spec.actions.map(meters::action);
    let aware = if spec.colour_aware { ", by the colour that it comes with" } else { "" };
    let yellow = match (spec.kind, spec.ebs) {
        // Nothing is ever yellow.
        (MeterKind::SrTcm, 0) => String::new(),
        _ => format!("yellow {yellow}, "),
    };
    format!("{}, {}{aware}: {yellow}red {red}", meters::kind(spec), meters::limits(spec))
}
