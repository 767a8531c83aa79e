//! `show qos` and `top`: what queues hold, sent, dropped and delayed, and at what rate.
//!
//! Every tree is asked piece by piece, so that its worker is never long at it.

mod rows;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use dataplane::id::{IfIndex, PortIndex};
use dataplane::qos::{Look, TreeReport};
use dataplane::table::{Interface, PortSpec, Snapshot};

pub use rows::{PortTold, Told, table};
pub use samples::{Change, PERIOD, Samples, WINDOWS};

use super::{ANSWER, Engine, refuse};
use crate::api::qos::{Qos, QosTree};
use crate::api::types::Refusal;

impl Engine {
    /// What a tree of a port answers; `None` where there is none.
    fn look(&self, port: PortIndex, tree: usize, look: Look) -> Result<Option<TreeReport>, Refusal> {
        let answer = self.handle.tree(port, tree, look).recv_timeout(ANSWER);
        answer.map_err(|_| refuse("a forwarding loop did not say in time how its queues stand"))
    }

    /// All pieces of a port's trees.
    fn pieces(&self, port: PortIndex) -> Result<PortTold, Refusal> {
        let trees = self.handle.snapshot().port(port).map_or(1, |port| port.tree_count());
        let mut pieces = Vec::new();
        for tree in 0..trees {
            let mut from = Some(0);
            while let Some(place) = from {
                let piece = self.look(port, tree, Look::Brief(place))?;
                from = piece.as_ref().and_then(|piece| piece.next);
                pieces.extend(piece);
            }
        }
        Ok(PortTold::new(pieces))
    }

    /// How the trees of these ports stand.
    fn trees_of(
        &self,
        ports: impl Iterator<Item = PortIndex>,
    ) -> Result<BTreeMap<PortIndex, PortTold>, Refusal> {
        ports.map(|id| Ok((id, self.pieces(id)?))).collect()
    }

    /// Takes a sample of all queues; asked every [`PERIOD`], by one thread.
    ///
    /// # Errors
    /// A worker that does not answer; what the others say is kept.
    pub fn sample(&self) -> Result<(), Refusal> {
        let snapshot = self.handle.snapshot();
        let name = |id: IfIndex| snapshot.interface(id).map(|i| &i.name);
        self.samples().keep(|id, known| name(id).is_some_and(|name| **name == *known));
        let trees = |port: &PortSpec| (0..port.tree_count()).map(|tree| (tree, port.id)).collect::<Vec<_>>();
        let all = snapshot.ports.iter().flat_map(|(_, port)| trees(port));
        // Each is asked, whatever became of those before it.
        all.map(|(tree, port)| self.sample_tree(&snapshot, port, tree)).fold(Ok(()), Result::and)
    }

    /// Keeps each piece as it comes: the tree has forgotten by then what it tells of.
    fn sample_tree(&self, snapshot: &Snapshot, port: PortIndex, tree: usize) -> Result<(), Refusal> {
        let mut from = Some(0);
        while let Some(place) = from {
            let Some(piece) = self.look(port, tree, Look::Sample(place))? else { break };
            let mut samples = self.samples();
            for site in &piece.sites {
                if let Some(interface) = snapshot.interface(site.id) {
                    samples.add(&interface.name, piece.at, site);
                }
            }
            from = piece.next;
        }
        Ok(())
    }

    /// `show qos`
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn qos(&self) -> Result<Qos, Refusal> {
        let snapshot = self.handle.snapshot();
        let told = self.trees_of(snapshot.ports.iter().map(|(_, port)| port.id))?;
        let samples = self.samples();
        let row = |interface: &Interface| {
            let port = snapshot.port(interface.port).map(|p| p.name.to_string()).unwrap_or_default();
            Some(told.get(&interface.port)?.of(interface).site(&port, &samples))
        };
        Ok(table(snapshot.interfaces.iter().filter_map(|(_, i)| row(i)).collect()))
    }

    /// `show qos SITE`, or of every site.
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn qos_trees(&self, site: Option<&str>) -> Result<Vec<QosTree>, Refusal> {
        let snapshot = self.handle.snapshot();
        let wanted =
            || snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| site.is_none_or(|s| *s == *i.name));
        let told = self.trees_of(wanted().map(|i| i.port).collect::<BTreeSet<_>>().into_iter())?;
        let name = |id| snapshot.port(id).map(|p| p.name.to_string()).unwrap_or_default();
        let row =
            |(id, told): (&PortIndex, &PortTold)| (*id, told.port(&name(*id), &snapshot, &self.samples()));
        let ports: BTreeMap<_, _> = told.iter().map(row).collect();
        let mut trees = Vec::new();
        for interface in wanted() {
            let Some(port) = ports.get(&interface.port) else { continue };
            let whole = self.look(interface.port, snapshot.tree_of(interface), Look::Whole(interface.id))?;
            let whole = PortTold::new(whole.into_iter().collect());
            let received = self.handle.interface_counts(interface.id).received;
            trees.push(whole.of(interface).tree(port.clone(), &received, &self.samples()));
        }
        Ok(trees)
    }
}
