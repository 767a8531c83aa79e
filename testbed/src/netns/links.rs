//! What a namespace has: virtual links, addresses, routes, neighbours.

use std::net::IpAddr;
use std::os::fd::AsRawFd;

use dataplane::port;
use futures::StreamExt;
use ipnet::IpNet;
use netlink_packet_route::link::{
    InfoData, InfoVeth, LinkAttribute, LinkFlags, LinkMessage, LinkXdp, XdpAttached,
};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

use super::{Error, Namespace};

/// What the kernel says of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Its index.
    pub index: u32,
    /// Its station address.
    pub mac: [u8; 6],
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Whether it is up and has carrier.
    pub running: bool,
    /// Whether an XDP program is attached.
    pub xdp: bool,
    /// Frames that it was given to send and dropped.
    pub dropped: u64,
}

impl LinkState {
    fn new(message: &LinkMessage) -> Self {
        let running = LinkFlags::Up | LinkFlags::Running;
        let mut state = Self {
            index: message.header.index,
            mac: [0; 6],
            mtu: 0,
            running: message.header.flags.contains(running),
            xdp: false,
            dropped: 0,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::Address(mac) => state.mac = mac.as_slice().try_into().unwrap_or_default(),
                LinkAttribute::Mtu(mtu) => state.mtu = *mtu,
                LinkAttribute::Stats64(stats) => state.dropped = stats.tx_dropped,
                LinkAttribute::Xdp(parts) => {
                    state.xdp = parts
                        .iter()
                        .any(|p| matches!(p, LinkXdp::Attached(how) if *how != XdpAttached::None));
                }
                _ => {}
            }
        }
        state
    }
}

async fn find(handle: &Handle, name: &str) -> Result<LinkMessage, rtnetlink::Error> {
    let mut links = Box::pin(handle.link().get().match_name(name.to_owned()).execute());
    links.next().await.unwrap_or(Err(rtnetlink::Error::RequestFailed))
}

async fn index(handle: &Handle, name: &str) -> Result<u32, rtnetlink::Error> {
    Ok(find(handle, name).await?.header.index)
}

fn with_queues<T>(link: LinkMessageBuilder<T>, queues: u32) -> LinkMessageBuilder<T> {
    link.append_extra_attribute(LinkAttribute::NumTxQueues(queues))
        .append_extra_attribute(LinkAttribute::NumRxQueues(queues))
}

impl Namespace {
    /// A virtual link from `dev` here to `peer_dev` in `peer`, one queue each way, down.
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses, for one because a name is taken.
    pub fn veth(&self, dev: &str, peer: &Namespace, peer_dev: &str) -> Result<(), Error> {
        self.veth_queues(dev, peer, peer_dev, 1)
    }

    /// A virtual link as [`Namespace::veth`] makes one, of `queues` queues each way.
    ///
    /// # Errors
    /// As for [`Namespace::veth`].
    pub fn veth_queues(&self, dev: &str, peer: &Namespace, peer_dev: &str, queues: u32) -> Result<(), Error> {
        let far = LinkMessageBuilder::<LinkUnspec>::new().name(peer_dev).setns_by_fd(peer.held.as_raw_fd());
        let far = InfoData::Veth(InfoVeth::Peer(with_queues(far, queues).build()));
        let link = with_queues(LinkVeth::new(dev, peer_dev), queues).set_info_data(far).build();
        self.netlink(format!("making {dev}"), async |handle| handle.link().add(link).execute().await)
    }

    /// Takes the link `dev` away, with its far end.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn delete(&self, dev: &str) -> Result<(), Error> {
        self.netlink(format!("deleting {dev}"), async |handle| {
            handle.link().del(index(handle, dev).await?).execute().await
        })
    }

    fn change(
        &self,
        dev: &str,
        what: &str,
        with: impl FnOnce(LinkMessageBuilder<LinkUnspec>) -> LinkMessageBuilder<LinkUnspec> + Send,
    ) -> Result<(), Error> {
        self.netlink(format!("{dev}: {what}"), async |handle| {
            let link = LinkUnspec::new_with_index(index(handle, dev).await?);
            handle.link().change(with(link).build()).execute().await
        })
    }

    /// Sets `dev` up.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn up(&self, dev: &str) -> Result<(), Error> {
        self.change(dev, "up", LinkMessageBuilder::up)
    }

    /// Sets `dev` down.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn down(&self, dev: &str) -> Result<(), Error> {
        self.change(dev, "down", LinkMessageBuilder::down)
    }

    /// Sets the MTU of `dev` in bytes, layer-2 header not counted.
    ///
    /// # Errors
    /// [`Error`] when there is no such link or it cannot.
    pub fn mtu(&self, dev: &str, mtu: u32) -> Result<(), Error> {
        self.change(dev, "mtu", |link| link.mtu(mtu))
    }

    /// Sets the station address of `dev`.
    ///
    /// # Errors
    /// [`Error`] when there is no such link or the address is a group's.
    pub fn mac(&self, dev: &str, mac: [u8; 6]) -> Result<(), Error> {
        self.change(dev, "station address", |link| link.address(mac.to_vec()))
    }

    /// What the kernel says of `dev`.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn link(&self, dev: &str) -> Result<LinkState, Error> {
        self.netlink(format!("reading {dev}"), async |handle| Ok(LinkState::new(&find(handle, dev).await?)))
    }

    /// Gives `dev` an address, with the route of its prefix.
    ///
    /// # Errors
    /// [`Error`] when there is no such link or it has the address already.
    pub fn address(&self, dev: &str, address: IpNet) -> Result<(), Error> {
        self.netlink(format!("{dev}: address {address}"), async |handle| {
            let index = index(handle, dev).await?;
            handle.address().add(index, address.addr(), address.prefix_len()).execute().await
        })
    }

    /// A route to `destination` by the neighbour `via`.
    ///
    /// # Errors
    /// [`Error`] when `via` is not reachable, of the other family, or the route is there.
    pub fn route(&self, destination: IpNet, via: IpAddr) -> Result<(), Error> {
        let message = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(destination.network(), destination.prefix_len())
            .and_then(|route| route.gateway(via))
            .map_err(|e| self.error(format!("route to {destination}"), &e))?
            .build();
        self.netlink(format!("route to {destination} via {via}"), async |handle| {
            handle.route().add(message).execute().await
        })
    }

    /// Tells `dev` its neighbour's station address for good.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn neighbour(&self, dev: &str, address: IpAddr, mac: [u8; 6]) -> Result<(), Error> {
        self.netlink(format!("{dev}: neighbour {address}"), async |handle| {
            let index = index(handle, dev).await?;
            handle.neighbours().add(index, address).link_layer_address(&mac).execute().await
        })
    }

    /// Switches IPv6 of `dev` off: it says nothing of its own any more.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn ipv6_off(&self, dev: &str) -> Result<(), Error> {
        self.sysctl(&format!("net.ipv6.conf.{dev}.disable_ipv6"), "1")
    }

    /// Switches off every offload of `dev` that hands packets on unfinished
    /// (checksums, segmentation, merging, VLAN tags), as if it were a plain card.
    ///
    /// # Errors
    /// [`Error`] when there is no such link.
    pub fn offloads_off(&self, dev: &str) -> Result<(), Error> {
        self.run(|| port::offloads_off(dev))?.map_err(|e| self.error(format!("{dev}: offloads"), &e))
    }
}
