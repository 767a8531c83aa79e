//! Which packets' class would change from one configuration to another: each packet goes
//! through the engine's own `parse` and `classify` over both Snapshots.
//!
//! What a packet is, is its class, its colour, and the mark that it goes on with; or that
//! it is not taken at all. That is as packets come in: the rules and marks of what goes out
//! are not looked at.

use std::collections::BTreeMap;

use dataplane::class::{Colour, TrafficClass};
use dataplane::id::PortIndex;
use dataplane::packet::{Batch, DropReason, Frame, HEADROOM, JUMBO_CAPACITY, Layer3, Meta, Verdict};
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, parse};
use dataplane::table::Snapshot;
use serde::{Serialize, Serializer};

use crate::explain::{Question, describe_frame, frames};

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
    /// It goes no further than `parse`, for this reason.
    Ended(String),
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
    /// What they are.
    pub old: Treated,
    /// What they would be.
    pub new: Treated,
    /// How many.
    pub packets: u64,
    /// Bytes of their frames, without FCS.
    pub bytes: u64,
    /// The first of them, in words.
    pub example: String,
    /// The first one's number in the file, from 1.
    pub number: u64,
}

/// What would change, most packets first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reclassed {
    /// Packets looked at, counted once for each port that they were taken to come in by.
    pub packets: u64,
    /// Those whose class, colour or mark would change.
    pub changed: u64,
    /// Those longer than any buffer of a router, not looked at.
    pub skipped: u64,
    /// Alike ones together.
    pub rows: Vec<Changed>,
}

/// Looks at packets, one by one.
#[derive(Debug)]
pub struct Comparison<'a> {
    old: &'a Snapshot,
    new: &'a Snapshot,
    rows: BTreeMap<(String, Treated, Treated), Changed>,
    packets: u64,
    changed: u64,
    skipped: u64,
}

impl<'a> Comparison<'a> {
    /// From `old` to `new`.
    pub fn new(old: &'a Snapshot, new: &'a Snapshot) -> Self {
        Self { old, new, rows: BTreeMap::new(), packets: 0, changed: 0, skipped: 0 }
    }

    /// A captured frame, number `number` of its file, that comes in by the port or interface
    /// called `place`, or by any port. Its station address is taken to be right. One that is
    /// longer than any buffer is only counted.
    ///
    /// # Errors
    /// A place that neither configuration has.
    pub fn frame(&mut self, bytes: &[u8], number: u64, place: Option<&str>) -> Result<(), String> {
        let ports = self.ports(place)?;
        if bytes.len() > JUMBO_CAPACITY - HEADROOM {
            self.skipped += 1;
            return Ok(());
        }
        for port in ports {
            self.on(bytes, number, &port)?;
        }
        Ok(())
    }

    /// A packet in words, which say where it comes in.
    ///
    /// # Errors
    /// What is wrong with it, by the old configuration, or by the new one where the old does
    /// not know the place.
    pub fn question(&mut self, question: &Question, number: u64) -> Result<(), String> {
        let known = |s: &Snapshot| s.interface_named(&question.interface).is_some();
        let snapshot = if known(self.old) || !known(self.new) { self.old } else { self.new };
        for bytes in frames(question, snapshot)? {
            self.frame(&bytes, number, Some(&question.interface))?;
        }
        Ok(())
    }

    /// What was found.
    pub fn done(self) -> Reclassed {
        let mut rows: Vec<Changed> = self.rows.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.packets));
        Reclassed { packets: self.packets, changed: self.changed, skipped: self.skipped, rows }
    }

    /// The names of the ports that `place` means.
    fn ports(&self, place: Option<&str>) -> Result<Vec<String>, String> {
        let both = || [self.old, self.new].into_iter();
        let all = both().flat_map(|s| s.ports.iter().map(|(_, port)| port.name.to_string()));
        let Some(place) = place else {
            return Ok(all.collect::<std::collections::BTreeSet<_>>().into_iter().collect());
        };
        let of_interface = both().find_map(|s| {
            let interface = s.interface_named(place)?;
            s.port(interface.port).map(|port| port.name.to_string())
        });
        let port = of_interface.or_else(|| all.into_iter().find(|name| name == place));
        port.map(|port| vec![port]).ok_or_else(|| format!("there is no interface or port \"{place}\""))
    }

    fn on(&mut self, bytes: &[u8], number: u64, port: &str) -> Result<(), String> {
        let (was, old, _) = judge(self.old, port, bytes)?;
        let (is, new, meta) = judge(self.new, port, bytes)?;
        self.packets += 1;
        if old == new {
            return Ok(());
        }
        self.changed += 1;
        let interface = if is.is_empty() { was } else { is };
        let row = self.rows.entry((interface.clone(), old.clone(), new.clone())).or_insert_with(|| {
            let example = describe_frame(bytes, &meta);
            Changed { interface, old, new, packets: 0, bytes: 0, example, number }
        });
        row.packets += 1;
        row.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The interface that a frame comes in by, and what becomes of it as it comes in.
fn judge(snapshot: &Snapshot, port: &str, bytes: &[u8]) -> Result<(String, Treated, Meta), String> {
    let known = snapshot.ports.iter().find(|(_, spec)| *spec.name == *port);
    let port = known.map_or(PortIndex::NONE, |(_, spec)| spec.id);
    let mut meta = classified(snapshot, port, bytes)?;
    // A capture may be of another router, or of a station address that the file does not say.
    if meta.verdict == Verdict::Drop(DropReason::WrongMac) {
        let mac = snapshot.interface(meta.in_interface).map(|interface| interface.mac);
        let mut sent = bytes.to_vec();
        if let (Some(mac), Some(to)) = (mac, sent.first_chunk_mut::<6>()) {
            *to = mac;
        }
        meta = classified(snapshot, port, &sent)?;
    }
    let interface = snapshot.interface(meta.in_interface).map(|i| i.name.to_string()).unwrap_or_default();
    let treated = match meta.verdict {
        Verdict::Forward => Treated::As {
            class: meta.class,
            colour: meta.colour,
            dscp: (meta.layer3 != Layer3::Mpls).then_some(meta.dscp),
        },
        Verdict::Drop(reason) => Treated::Ended(format!("dropped: {}", reason.explanation())),
        Verdict::Punt(reason) => Treated::Ended(format!("to the router itself: {}", reason.explanation())),
    };
    Ok((interface, treated, meta))
}

fn classified(snapshot: &Snapshot, port: PortIndex, bytes: &[u8]) -> Result<Meta, String> {
    let mut frame = Frame::jumbo();
    frame
        .fill(bytes)
        .map_err(|_| format!("a frame of {} bytes is longer than any buffer of a router", bytes.len()))?;
    let mut batch = Batch::new();
    // An empty batch takes a frame.
    let _ = batch.push(frame);
    parse::run(&mut batch, snapshot, port);
    classify::run(&mut batch, snapshot, &mut RuleHits::new());
    Ok(batch.frames().first().map(|frame| *frame.meta()).unwrap_or_default())
}
