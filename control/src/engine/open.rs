//! From a port of the configuration to how it is opened.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dataplane::port::{self, FaultOptions, PcapOptions, PortConfig, xdp};

use crate::config::{Attach, Copy, Port, PortKind};

/// How `port` is opened.
pub(super) fn port_config(port: &Port) -> PortConfig {
    PortConfig {
        kind: match port.kind {
            PortKind::AfXdp => port::PortKind::Xdp,
            PortKind::AfPacket => port::PortKind::Packet,
            PortKind::Tap => port::PortKind::Tap,
            PortKind::Pcap => port::PortKind::Pcap,
            PortKind::Loopback => port::PortKind::Loopback,
        },
        device: port.device.clone().unwrap_or_else(|| port.name.clone()),
        queues: usize::from(port.queues),
        packet: port::PacketOptions::default(),
        xdp: xdp_options(port),
        pcap: pcap_options(port),
        fault: port.fault.as_ref().map(|fault| FaultOptions {
            seed: fault.seed,
            loss: fault.loss,
            duplicate: fault.duplicate,
            reorder: fault.reorder,
            corrupt: fault.corrupt,
            stall: fault.stall,
            stall_time: Duration::from_nanos(fault.stall_time.0),
        }),
    }
}

fn xdp_options(port: &Port) -> port::XdpOptions {
    port::XdpOptions {
        attach: match port.attach {
            Attach::Auto => xdp::Attach::Auto,
            Attach::Native => xdp::Attach::Native,
            Attach::Generic => xdp::Attach::Generic,
        },
        copy: match port.copy {
            Copy::Auto => xdp::CopyMode::Auto,
            Copy::Copy => xdp::CopyMode::Copy,
            Copy::ZeroCopy => xdp::CopyMode::ZeroCopy,
        },
        ring: port.ring,
    }
}

fn pcap_options(port: &Port) -> PcapOptions {
    // The router's clock starts about when its ports are opened.
    let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    PcapOptions {
        read: port.read.as_ref().map(Into::into),
        write: port.write.as_ref().map(Into::into),
        paced: port.paced,
        epoch: u64::try_from(epoch).unwrap_or(0),
    }
}
