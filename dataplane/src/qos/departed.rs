//! What an interface that went to another tree of its port was counted for, on its way there.

use super::scheduler::Scheduler;
use super::site::Site;
use super::stats::Tally;
use super::waits::Waits;
use crate::class::CLASSES;
use crate::id::IfIndex;

/// The counts of an interface that has left a tree; [`Scheduler::count_on`] takes them up.
#[derive(Debug)]
pub struct Departed {
    /// The interface.
    pub id: IfIndex,
    tallies: Box<[Tally; CLASSES]>,
    waits: Box<Waits>,
}

impl Departed {
    /// Of a site that holds no frames any more.
    pub(super) fn of(mut site: Site) -> Self {
        let tallies = std::array::from_fn(|class| std::mem::take(&mut site.queues[class].tally));
        Self { id: site.id, tallies: Box::new(tallies), waits: Box::new(site.waits) }
    }
}

impl Scheduler {
    /// The counts of interfaces that left with the last [`Scheduler::sync`], of a tree that is one of several.
    pub fn take_departed(&mut self) -> Vec<Departed> {
        std::mem::take(&mut self.departed)
    }

    /// Adds what an interface of this tree was counted for in another.
    ///
    /// # Errors
    /// The counts, where the interface is not here.
    #[cold]
    pub fn count_on(&mut self, departed: Departed) -> Result<(), Departed> {
        let at = self.find(departed.id);
        let Some(site) = at.and_then(|at| self.sites.get_mut(at)?.as_mut()) else { return Err(departed) };
        for (queue, before) in site.queues.iter_mut().zip(departed.tallies.iter()) {
            queue.tally.count_on(before);
        }
        site.waits.merge(&departed.waits);
        Ok(())
    }
}
