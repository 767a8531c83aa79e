//! Ports of a configuration → what the engine opens.

use std::time::Duration;

use dataplane::port::memif::{self, MemifOptions};
use dataplane::port::xdp::{Attach, CopyMode};
use dataplane::port::{self, FaultOptions, PcapOptions, PortConfig, XdpOptions};

use crate::config::{self, Config, Fault, Notice, Port, PortKind, Role};

/// What to open for each port, by its name, in the configuration's order.
/// `epoch` is the router's time zero in nanoseconds since 1970, for capture files.
pub fn port_configs(config: &Config, epoch: u64) -> Vec<(String, PortConfig)> {
    config.ports.iter().map(|p| (p.name.clone(), port_config(p, epoch))).collect()
}

/// What to open for one port; `epoch` as for [`port_configs`].
pub fn port_config(port: &Port, epoch: u64) -> PortConfig {
    let attach = match port.attach {
        config::Attach::Auto => Attach::Auto,
        config::Attach::Native => Attach::Native,
        config::Attach::Generic => Attach::Generic,
    };
    let copy = match port.copy {
        config::Copy::Auto => CopyMode::Auto,
        config::Copy::Copy => CopyMode::Copy,
        config::Copy::ZeroCopy => CopyMode::ZeroCopy,
    };
    let path = |p: &Option<String>| p.as_ref().map(Into::into);
    PortConfig {
        kind: kind(port.kind),
        device: port.device().unwrap_or_default().to_owned(),
        queues: usize::from(port.queues),
        xdp: XdpOptions { attach, copy, ring: port.ring },
        pcap: PcapOptions { read: path(&port.read), write: path(&port.write), paced: port.paced, epoch },
        memif: memif(port),
        fault: port.fault.as_ref().map(fault),
        ..PortConfig::default()
    }
}

fn kind(kind: PortKind) -> port::PortKind {
    match kind {
        PortKind::AfXdp => port::PortKind::Xdp,
        PortKind::AfPacket => port::PortKind::Packet,
        PortKind::Tap => port::PortKind::Tap,
        PortKind::Pcap => port::PortKind::Pcap,
        PortKind::Loopback => port::PortKind::Loopback,
        PortKind::Memif => port::PortKind::Memif,
    }
}

fn memif(port: &Port) -> MemifOptions {
    let memif = &port.memif;
    MemifOptions {
        name: port.name.clone(),
        socket: memif.socket.as_ref().map(Into::into).unwrap_or_default(),
        role: match memif.role {
            Some(Role::Server) => memif::Role::Server,
            Some(Role::Client) | None => memif::Role::Client,
        },
        id: memif.id.unwrap_or(0),
        ring: memif.entries(),
        buffer: memif.bytes(),
        notice: match memif.mode {
            Some(Notice::Poll) => memif::Notice::Poll,
            Some(Notice::Interrupt) | None => memif::Notice::Interrupt,
        },
        secret: memif.secret.as_ref().map(|secret| memif::Secret::new(&secret.0)).unwrap_or_default(),
        permissions: memif.permissions.map_or(0o600, |bits| bits.0.into()),
        zero_copy: memif.lends(),
    }
}

fn fault(fault: &Fault) -> FaultOptions {
    FaultOptions {
        seed: fault.seed,
        loss: fault.loss,
        duplicate: fault.duplicate,
        reorder: fault.reorder,
        corrupt: fault.corrupt,
        stall: fault.stall,
        stall_time: Duration::from_nanos(fault.stall_time.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reaches_the_engine() {
        let text = r#"
            [[port]]
            name = "ge0"
            kind = "af-xdp"
            queues = 4
            attach = "generic"
            copy = "zero-copy"
            ring = 512
            [[port]]
            name = "tape"
            kind = "pcap"
            read = "in.pcap"
            paced = true
            fault = { loss = 1, duplicate = 2, reorder = 3, corrupt = 4, stall = 5, stall-time = "6 ms", seed = 7 }
        "#;
        let configs = port_configs(&config::parse(text, "t").unwrap(), 99);
        let (name, ge0) = &configs[0];
        assert_eq!(
            (name.as_str(), ge0.kind, ge0.device.as_str(), ge0.queues),
            ("ge0", port::PortKind::Xdp, "ge0", 4)
        );
        assert_eq!(ge0.xdp, XdpOptions { attach: Attach::Generic, copy: CopyMode::ZeroCopy, ring: 512 });
        let tape = &configs[1].1;
        assert_eq!(
            tape.pcap,
            PcapOptions { read: Some("in.pcap".into()), write: None, paced: true, epoch: 99 }
        );
        let fault = tape.fault.unwrap();
        assert_eq!((fault.loss, fault.duplicate, fault.reorder, fault.corrupt, fault.stall), (1, 2, 3, 4, 5));
        assert_eq!((fault.stall_time, fault.seed), (Duration::from_millis(6), 7));
    }
}
