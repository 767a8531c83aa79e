//! From a port of the configuration to its open queues.

use dataplane::port::{AnyPort, Loopback, OpenError, PacketOptions, packet, tap};

use crate::config::{Port, PortKind};

/// Frames that each line of a loopback port holds.
const LOOPBACK_LINE: usize = 4096;

/// Opens the port's queues, in queue order.
pub(super) fn open(port: &Port) -> Result<Vec<AnyPort>, OpenError> {
    let device = port.device.as_deref().unwrap_or(&port.name);
    let queues = usize::from(port.queues);
    match port.kind {
        PortKind::Loopback => Ok(vec![AnyPort::Loopback(Loopback::new(LOOPBACK_LINE).0)]),
        PortKind::Tap => Ok(tap::open(device, queues)?.into_iter().map(AnyPort::Tap).collect()),
        PortKind::AfPacket => {
            let queues = packet::open(device, queues, PacketOptions::default())?;
            Ok(queues.into_iter().map(AnyPort::Packet).collect())
        }
        PortKind::AfXdp | PortKind::Pcap => Err(OpenError::Unsupported {
            device: device.into(),
            what: "this kind of port; use af-packet".into(),
        }),
    }
}
