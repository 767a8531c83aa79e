//! `viaduct show`: what the running router does.

mod counts;
mod devices;
mod labels;
mod process;
mod qos;
mod routes;

use std::path::Path;

use clap::Subcommand;
use control::client::Client;
use serde::de::DeserializeOwned;

use crate::exit::{Done, Failure};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  viaduct show interfaces
  viaduct show routes 10.1.0.9          the route an address takes, and why
  viaduct show routes --summary         tables and their memory
  viaduct show labels                   who asked for each, and where it leads
  viaduct show lsp 10.255.0.2           the labels on the way to an egress router
  viaduct show drops --interface ge0
  viaduct show qos                      every site: rates, queues, drops, the wait of calls
  viaduct show qos surgery              every class of one: what it has, gets, drops and waits
  viaduct show policers                 rates, and frames by the colour they got
  viaduct show rules                    what each match rule says, and what it matched";

/// Show what the running router does.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Where frames enter and leave: link, queues, frames, losses of no interface, memif peers and which of them have this router's frames (zero copy).
    Ports,
    /// Logical interfaces: tags, addresses, state and traffic.
    Interfaces,
    /// Neighbours: address, station address, state (RFC 4861 section 7.3.2) and age.
    Neighbours {
        /// Of this interface only.
        interface: Option<String>,
    },
    Routes(routes::Arguments),
    Qos(qos::Arguments),
    /// Policers and meters of what comes in: rates, and frames by colour.
    Policers {
        /// Of this interface only.
        interface: Option<String>,
    },
    /// Match rules: what each says, and the frames that it matched.
    Rules,
    /// Dropped frames by place and reason, and the balance they belong to.
    ///
    /// The interface is the one that they came in by, also where another's queue dropped them (`show qos` has drops by queue).
    Drops {
        /// Of frames that came in by this interface only.
        #[arg(long)]
        interface: Option<String>,
    },
    /// Forwarding loops: core, pool, work and sleep.
    Workers,
    /// The router process: version, generation, uptime, memory.
    Version,
    /// Routing worlds: distinguisher, targets, labels, interfaces, prefixes and memory.
    Vrfs,
    /// Incoming labels: who asked for each, and where it leads.
    Labels {
        /// Only this one.
        label: Option<u32>,
        /// Only those given out for this Vrf, or that end in it.
        #[arg(long)]
        vrf: Option<String>,
    },
    /// Ways that labelled routes share: next hop, label stack, interface, users.
    Lsp {
        /// A next hop, or a prefix that it is in; or a label that is put on, or comes in.
        #[arg(value_name = "PREFIX|LABEL")]
        which: Option<String>,
    },
}

/// The router, and how to print what it says.
struct Ask {
    client: Client,
    json: bool,
}

impl Ask {
    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        output::ask(self.client.get(path))
    }
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let ask = Ask { client: Client::new(socket), json: arguments.json };
    match &arguments.what {
        What::Ports => devices::ports(&ask),
        What::Interfaces => devices::interfaces(&ask),
        What::Neighbours { interface } => devices::neighbours(&ask, interface.as_deref()),
        What::Routes(filter) => routes::run(&ask, filter),
        What::Qos(which) => qos::run(&ask, which),
        What::Policers { interface } => counts::policers(&ask, interface.as_deref()),
        What::Rules => counts::rules(&ask),
        What::Drops { interface } => counts::drops(&ask, interface.as_deref()),
        What::Workers => process::workers(&ask),
        What::Version => process::version(&ask),
        What::Vrfs => labels::vrfs(&ask),
        What::Labels { label, vrf } => labels::labels(&ask, *label, vrf.as_deref()),
        What::Lsp { which } => labels::lsps(&ask, which.as_deref()),
    }
}

/// Refuses an interface that the router does not have.
fn require_interface(ask: &Ask, name: Option<&str>) -> Done {
    let Some(name) = name else { return Ok(()) };
    let rows: Vec<control::api::types::InterfaceRow> = ask.get("/v1/interfaces")?;
    if rows.iter().any(|row| row.name == name) {
        return Ok(());
    }
    let names: Vec<_> = rows.iter().take(20).map(|row| row.name.as_str()).collect();
    Err(Failure::Failed(format!("there is no interface \"{name}\"; there are: {}", names.join(", "))))
}
