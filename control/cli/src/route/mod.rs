//! `viaduct route`: routes at run time.
//!
//! They live until the router stops or their Vrf goes; a `[[route]]` of the
//! configuration goes before them unless its distance is higher.

mod line;
mod load;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use control::client::Client;
use control::{RouteChange, RouteReport};

use crate::exit::{Done, Failure};
use crate::output::{self, ODD};

const EXAMPLES: &str = "\
Examples:
  viaduct route add 10.9.0.0/16 via 10.0.0.2
  viaduct route add 2001:db8:9::/48 via fe80::1 dev ge1 --vrf trust
  viaduct route add 10.9.0.0/16 via 10.0.0.2 via 10.0.1.2    two ways, flows spread over both
  viaduct route add 198.51.100.0/24 blackhole
  viaduct route add 10.255.0.2/32 via 10.0.0.2 push 17             an LSP to an egress router
  viaduct route add 10.9.0.0/16 via 10.255.0.2 push 30012 vrf red  a VPN route that goes through it
  viaduct route del 10.9.0.0/16
  viaduct route load routes.txt";

const USAGE: &str = "\
viaduct route add [OPTIONS] PREFIX via ADDRESS [dev INTERFACE] [push LABEL,...] [via ...]
       viaduct route add [OPTIONS] PREFIX blackhole|unreachable|prohibited";

const FORMAT: &str = "\
One route a line; what follows a # is a comment:

  [add] PREFIX via ADDRESS [dev INTERFACE] [push LABEL,...] [via ...] [OPTION ...]
  [add] PREFIX blackhole|unreachable|prohibited [OPTION ...]
  del PREFIX [vrf NAME]

An OPTION is vrf NAME, via-vrf NAME (where next hops are resolved), distance N,
entropy (an entropy label below the outermost), ttl uniform|pipe, or
diffserv uniform|pipe|short-pipe. What stands behind several next hops is for
all of them that have none of it yet.

The whole file is checked before the first route is sent. Routes are sent in
order, 10,000 at a time; of each such part all are taken, or none.

Examples:
  viaduct route load routes.txt
  viaduct route load full-table.txt --vrf internet";

/// Add, remove and load routes of the running router.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Set the run-time route to a prefix.
    #[command(after_help = EXAMPLES, override_usage = USAGE)]
    Add {
        /// PREFIX via ADDRESS [dev INTERFACE] [push LABEL,...] [via ...], or
        /// PREFIX blackhole|unreachable|prohibited; then vrf NAME, via-vrf NAME, entropy,
        /// ttl uniform|pipe, diffserv uniform|pipe|short-pipe.
        #[arg(required = true, num_args = 2.., value_name = "WORD")]
        words: Vec<String>,
        /// Administrative distance, 1 to 255; 5 unless given. Of the routes to a prefix the lowest is used.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
        distance: Option<u8>,
        #[command(flatten)]
        common: Common,
    },
    /// Take the run-time route to a prefix out.
    Del {
        /// Its prefix; vrf NAME may follow.
        #[arg(required = true, num_args = 1..=3, value_name = "PREFIX")]
        words: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Make the changes that a file lists.
    #[command(after_help = FORMAT)]
    Load {
        /// The file; - is standard input.
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The Vrf.
    #[arg(long, default_value = control::commit::DEFAULT_VRF)]
    vrf: String,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let client = Client::new(socket);
    match &arguments.what {
        What::Add { words, distance, common } => {
            let mut words: Vec<_> = words.iter().map(String::as_str).collect();
            let distance = distance.map(|d| d.to_string());
            words.extend(distance.iter().flat_map(|d| ["distance", d]));
            one(&client, line::add(&words, &common.vrf), common)
        }
        What::Del { words, common } => {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            one(&client, line::del(&words, &common.vrf), common)
        }
        What::Load { file, common } => {
            let report = load::run(&client, file, &common.vrf)?;
            told(&report, common.json)
        }
    }
}

/// Makes one change.
fn one(client: &Client, change: Result<RouteChange, String>, common: &Common) -> Done {
    let change = change.map_err(Failure::Failed)?;
    let report: RouteReport = output::ask(client.post("/v1/routes", &[&change]))?;
    if let (RouteChange::Remove { vrf, .. }, 1.., false) = (&change, report.missing, common.json) {
        let vrf = vrf.as_ref().unwrap_or(&common.vrf);
        return Err(Failure::Failed(format!("there is no run-time route to it in vrf \"{vrf}\"")));
    }
    told(&report, common.json)
}

fn told(report: &RouteReport, json: bool) -> Done {
    if json {
        return output::json(report);
    }
    let RouteReport { added, replaced, removed, missing, unresolved } = report;
    output::line(format_args!("{added} added, {replaced} replaced, {removed} removed"));
    if *missing > 0 {
        anstream::eprintln!("{ODD}{missing} removals of routes that were not there{ODD:#}");
    }
    if *unresolved > 0 {
        anstream::eprintln!(
            "{ODD}{unresolved} with a next hop that cannot be reached; they are used once it can be{ODD:#}"
        );
    }
    Ok(())
}
