//! `viaduct diff`: what applying a file would change, also for packets.

mod traffic;

use std::path::{Path, PathBuf};

use control::Change;
use control::client::Client;

use crate::exit::Done;
use crate::output;

const EXAMPLES: &str = "\
A line starts with + for what comes, - for what goes, ~ for what changes.

Examples:
  viaduct diff site.toml            against the running router
  viaduct diff old.toml new.toml    two files, without a router
  viaduct diff old.toml new.toml --traffic monday.pcap --in lan
                                    packets whose class, colour or marks would change, as they come
                                    in or as they leave: DSCP, traffic class of labels, priority of tags
  viaduct diff old.toml new.toml --headers flows.txt
                                    the same of packets in the words of explain, one a line:
                                    in phones from 10.20.20.7 to 192.0.2.9 udp dport 5060";

/// Tell what applying a configuration file would change; change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// A second file: the differences from the first to this one, without a router.
    to: Option<PathBuf>,
    /// Tell the packets of this capture (pcap or pcapng) whose class or marks would change, as they come
    /// in or as they leave; meters are taken to let all pass, and neighbours to answer.
    #[arg(long, value_name = "FILE", requires = "to")]
    traffic: Option<PathBuf>,
    /// Tell those of this file of packets in words, one a line, whose class or marks would change.
    #[arg(long, value_name = "FILE", requires = "to")]
    headers: Option<PathBuf>,
    /// The port, or an interface of it, that the capture is taken to come in by; its tags say
    /// which interface. Default: every port in turn.
    #[arg(long = "in", value_name = "PORT", requires = "traffic")]
    place: Option<String>,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    let config = control::config::parse(&text.text, &text.file)?;
    let changes: Vec<Change> = match &arguments.to {
        Some(to) => {
            let to = control::daemon::read(to)?;
            let new = control::config::parse(&to.text, &to.file)?;
            let packets = traffic::Packets {
                traffic: arguments.traffic.as_deref(),
                headers: arguments.headers.as_deref(),
                place: arguments.place.as_deref(),
            };
            if packets.asked() {
                return traffic::run(&config, &new, &packets, arguments.json);
            }
            control::diff(&config, &new)
        }
        None => output::ask(Client::new(socket).post("/v1/diff", &text))?,
    };
    if arguments.json {
        return output::json(&changes);
    }
    output::changes(&changes);
    if changes.is_empty() {
        output::line("no differences");
    }
    Ok(())
}
