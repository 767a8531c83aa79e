//! From what the ends agreed on to rings that frames pass through.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;

use super::bell::{self, Ear};
use super::buffers::Buffers;
use super::layout::{Layout, Way};
use super::message::{AddRegion, AddRing, CLIENT_TO_SERVER, Message};
use super::peer::RingPair;
use super::receiver::Receiver;
use super::region::{Refused, Regions};
use super::ring::Ring;
use super::sender::Sender;
use super::wires::{Incoming, Outgoing, Wires};
use super::{Notice, lent};
use crate::packet::Arena;
use crate::time::Time;

/// Why a client's setup is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("{0}")]
    Region(#[from] Refused),
    #[error("region without a descriptor")]
    NoMemory,
    #[error("ring without a descriptor")]
    NoEvent,
    #[error("ring index out of range: {0} rings each way are wanted")]
    RingIndex(usize),
    #[error("ring index used twice")]
    RingTwice,
    #[error("ring with private headers")]
    PrivateHeader,
    #[error("{0} rings each way are wanted")]
    RingCount(usize),
    #[error("ring outside its region, or of a wrong size")]
    RingPlace,
    #[error("ring without its cookie")]
    Cookie,
    #[error("event descriptor: {0}")]
    Event(#[from] io::Error),
}

/// A ring with its event descriptor.
type Offer = (Ring, OwnedFd);

/// What a client told its server so far.
#[derive(Debug)]
pub(super) struct Offered {
    regions: Regions,
    to_server: Vec<Option<(AddRing, OwnedFd)>>,
    to_client: Vec<Option<(AddRing, OwnedFd)>>,
}

impl Offered {
    /// Nothing yet, for `queues` rings each way.
    pub(super) fn new(queues: u16) -> Self {
        let none = || (0..queues).map(|_| None).collect();
        Self { regions: Regions::default(), to_server: none(), to_client: none() }
    }

    pub(super) fn add_region(&mut self, region: AddRegion, file: Option<OwnedFd>) -> Result<(), Wrong> {
        let file = file.ok_or(Wrong::NoMemory)?;
        Ok(self.regions.add(region.index, region.size, &file)?)
    }

    pub(super) fn add_ring(&mut self, ring: AddRing, event: Option<OwnedFd>) -> Result<(), Wrong> {
        let event = event.ok_or(Wrong::NoEvent)?;
        let to_server = ring.flags & CLIENT_TO_SERVER != 0;
        let rings = if to_server { &mut self.to_server } else { &mut self.to_client };
        let most = rings.len();
        let slot = rings.get_mut(usize::from(ring.index)).ok_or(Wrong::RingIndex(most))?;
        if slot.is_some() {
            return Err(Wrong::RingTwice);
        }
        if ring.private_header != 0 {
            return Err(Wrong::PrivateHeader);
        }
        *slot = Some((ring, event));
        Ok(())
    }

    /// The rings as they are now, both indices at zero.
    pub(super) fn wires(self, notice: Notice) -> Result<Wired, Wrong> {
        let regions = Arc::new(self.regions);
        let count = self.to_server.len();
        let offers = |rings: Vec<Option<(AddRing, OwnedFd)>>| -> Result<Vec<Offer>, Wrong> {
            let rings: Vec<_> = rings.into_iter().flatten().collect();
            if rings.len() != count {
                return Err(Wrong::RingCount(count));
            }
            rings.into_iter().map(|(ring, event)| offer(&regions, ring, event)).collect()
        };
        let (receive, send) = (offers(self.to_server)?, offers(self.to_client)?);
        let theirs = |(receive, send): (Offer, Offer)| {
            let copied = (copied_from(&receive, Buffers::Theirs), copied_to(&send, Buffers::Theirs));
            wire((receive, send), copied, notice, Own::default())
        };
        Ok(receive.into_iter().zip(send).map(theirs).collect::<io::Result<Vec<_>>>()?.into_iter().unzip())
    }
}

/// What the queues take up, and what is looked at.
pub(super) type Wired = (Vec<Wires>, Vec<RingPair>);

fn offer(regions: &Arc<Regions>, said: AddRing, event: OwnedFd) -> Result<Offer, Wrong> {
    let ring = Ring::at(regions, said.region, said.offset, said.log2_ring).ok_or(Wrong::RingPlace)?;
    if !ring.is_ring() {
        return Err(Wrong::Cookie);
    }
    ring.reset();
    Ok((ring, event))
}

fn copied_from((ring, _): &Offer, buffers: Buffers) -> Incoming {
    Incoming::Copied(Receiver::new(ring.clone(), buffers))
}

fn copied_to((ring, _): &Offer, buffers: Buffers) -> Outgoing {
    Outgoing::Copied(Sender::new(ring.clone(), buffers))
}

/// What this end alone knows of a queue's rings.
#[derive(Debug, Default)]
struct Own {
    client: bool,
    taken: Option<Arc<AtomicU16>>,
}

fn wire(
    (receive, send): (Offer, Offer),
    (receiver, sender): (Incoming, Outgoing),
    notice: Notice,
    Own { client, taken }: Own,
) -> io::Result<(Wires, RingPair)> {
    let ((incoming, news), (outgoing, event)) = (receive, send);
    incoming.set_interrupts(notice == Notice::Interrupt);
    let ear = (notice == Notice::Interrupt).then(|| Ear::new(news)).transpose()?;
    let pair = RingPair { receive: incoming, send: outgoing, client, taken };
    Ok((Wires { receiver, sender, ear, event, forget: Time::ZERO, untold: false }, pair))
}

/// What a client brings.
#[derive(Debug)]
pub(super) struct Brought {
    layout: Layout,
    /// What frames are lent of, where they are not copied.
    arena: Option<Arc<Arena>>,
    to_server: Vec<Offer>,
    to_client: Vec<Offer>,
}

/// A message, and the descriptor that goes with it.
pub(super) type Letter = (Message, Option<OwnedFd>);

impl Brought {
    /// Makes the memory and its rings; gives the messages that tell the server of them, and of what is lent.
    pub(super) fn new(layout: Layout, arena: Option<Arc<Arena>>) -> io::Result<(Self, Vec<Letter>)> {
        let bytes = layout.bytes().ok_or(io::ErrorKind::InvalidInput)?;
        let (regions, file) = Regions::own(bytes)?;
        let regions = Arc::new(regions);
        let region = AddRegion { index: 0, size: bytes as u64 };
        let mut letters = vec![(Message::AddRegion(region), Some(file))];
        if let Some(arena) = &arena {
            let region = AddRegion { index: lent::REGION, size: arena.bytes() as u64 };
            letters.push((Message::AddRegion(region), Some(arena.file().try_clone()?)));
        }
        let to_server = rings(layout, Way::ToServer, &regions, &mut letters)?;
        let to_client = rings(layout, Way::ToClient, &regions, &mut letters)?;
        Ok((Self { layout, arena, to_server, to_client }, letters))
    }

    /// The rings, once the server has said that it is connected.
    pub(super) fn wires(self, notice: Notice) -> io::Result<Wired> {
        let Layout { log2, buffer, .. } = self.layout;
        let ours = |way, queue| {
            let start = self.layout.first_buffer(way, queue);
            Buffers::Ours { start, bytes: buffer, mask: (1 << log2) - 1 }
        };
        let queues = (0..).zip(self.to_client.into_iter().zip(self.to_server));
        let both = |(queue, (receive, send)): (u16, (Offer, Offer))| {
            let Some(arena) = &self.arena else {
                let receiver = copied_from(&receive, ours(Way::ToClient, queue));
                let copied = (receiver, copied_to(&send, ours(Way::ToServer, queue)));
                return wire((receive, send), copied, notice, Own { client: true, taken: None });
            };
            let taken = Arc::new(AtomicU16::new(0));
            let receiver = lent::Receiver::new(receive.0.clone(), arena.clone(), taken.clone());
            let sender = lent::Sender::new(send.0.clone(), arena.clone());
            let lent = (Incoming::Lent(receiver), Outgoing::Lent(sender));
            wire((receive, send), lent, notice, Own { client: true, taken: Some(taken) })
        };
        Ok(queues.map(both).collect::<io::Result<Vec<_>>>()?.into_iter().unzip())
    }
}

fn rings(
    layout: Layout,
    way: Way,
    regions: &Arc<Regions>,
    letters: &mut Vec<Letter>,
) -> io::Result<Vec<Offer>> {
    let one = |index| {
        let offset = layout.ring(way, index);
        let ring = Ring::at(regions, 0, offset, layout.log2).ok_or(io::ErrorKind::InvalidInput)?;
        ring.format();
        let event = bell::event()?;
        let said = AddRing {
            flags: if way == Way::ToServer { CLIENT_TO_SERVER } else { 0 },
            index,
            region: 0,
            offset,
            log2_ring: layout.log2,
            private_header: 0,
        };
        letters.push((Message::AddRing(said), Some(event.try_clone()?)));
        Ok((ring, event))
    };
    (0..layout.queues).map(one).collect()
}
