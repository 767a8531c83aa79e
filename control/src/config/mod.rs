//! One declarative TOML file → [`Config`], or everything that is wrong with it.
//!
//! ```text
//! text → parsed with places → read (keys, types, ranges) → checked (names, addresses, next hops) → Config
//! ```
//!
//! Reading does not stop at a fault: every fault of one stage is noted with its
//! line and column before the file is refused.

mod check;
mod community;
mod errors;
mod label;
mod limits;
mod memif;
mod meter;
mod prefix_list;
mod promise;
mod qos;
mod read;
mod route;
mod rule;
mod schema;
mod types;
mod units;
mod values;
mod vpn;
mod walk;
mod words;

use std::cell::OnceCell;
use std::sync::Arc;

use toml::de::DeTable;

pub use community::{Community, Extranet, Member};
pub use errors::{ConfigError, ConfigErrors, MOST_ERRORS};
pub use label::{
    IMPLICIT_NULL, LEAST_LABEL, LabelAction, LabelRange, LabelRanges, MOST_LABEL, MOST_PUSHED, StaticLabel,
};
pub use limits::Limits;
pub use memif::{Memif, Permissions, Secret};
pub use meter::{Meter, MeterAction, Police, SharedMeter};
pub use prefix_list::{PrefixList, PrefixRule};
pub use promise::Promise;
pub use qos::{ClassSettings, Curve, Limit, Policer, PolicerChoice, Qos, Wred};
pub use route::{Hop, Route, Via};
pub use rule::{ByColour, Conditions, Dscp, MOST_VALUES, MatchGroup, Meaning, Protocol, Rule, Span16, Trust};
pub use types::{Config, Fault, Interface, Neighbour, Port, Router, Vlan, Vrf};
pub use units::{Rate, Size, Span};
pub use values::{Class, Mac};
pub use vpn::{Assigned, RouteDistinguisher, RouteTarget, TargetRule};
pub use words::{
    Aqm, Attach, Cells, Codec, ColourWord, Copy, DiffServWord, Direction, Discard, Discipline, FragmentWord,
    IpVersion, LabelMode, MeterKind, Mode, Notice, PortKind, Priority, Role, TpidWord, TtlWord,
};

pub(crate) use check::{allows_queues, rules};
pub(crate) use promise::PTIME;
pub(crate) use rule::Resolver;

use crate::capacity::{self, Unkept};
use errors::Finding;
use read::Kept;
use types::Source;
use walk::Reader;

/// Longest configuration, bytes.
pub const MOST_BYTES: usize = 64 << 20;

/// Reads and checks `text`; `file` is its name in errors.
///
/// # Errors
///
/// Everything that is wrong with it; if nothing else is, every promise that it cannot keep.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    let config = parse_unkept(text, file)?;
    config.keeps()?;
    Ok(config)
}

/// As [`parse`], but that a promise cannot be kept is no fault.
///
/// # Errors
///
/// Everything else that is wrong with it.
pub fn parse_unkept(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    if text.len() > MOST_BYTES {
        let message = format!("{} bytes are too many", text.len());
        let help = format!("a configuration has at most {MOST_BYTES} bytes");
        let finding = Finding { span: None, key: String::new(), message, help };
        return Err(ConfigErrors::new(file, &"".into(), vec![finding]));
    }
    let (root, syntax) = DeTable::parse_recoverable(text);
    let reader = Reader::new(!syntax.is_empty());
    for error in &syntax {
        reader.note(error.span(), "", error.message().to_owned(), "this is not TOML");
    }
    let (mut config, kept) = read::config(&reader, &root);
    let source = Source { file: file.into(), text: Arc::from(text) };
    let mut findings = reader.into_findings();
    let whole = findings.is_empty();
    if syntax.is_empty() {
        findings.extend(check::check(&config, whole, &kept, |path| walk::locate(&root, path)));
    }
    if !findings.is_empty() {
        return Err(ConfigErrors::new(file, &source.text, findings));
    }
    config.source = source;
    Ok(config)
}

impl Config {
    /// Checks it again, for configurations that were changed after reading.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        // Faults are rare here, so the text is parsed again only once there is one.
        let root = OnceCell::new();
        let findings = check::check(self, true, &Kept::default(), |path| {
            walk::locate(root.get_or_init(|| DeTable::parse_recoverable(&self.source.text).0), path)
        });
        if findings.is_empty() {
            return self.keeps();
        }
        Err(ConfigErrors::new(&self.source.file, &self.source.text, findings))
    }

    /// That what it promises holds.
    fn keeps(&self) -> Result<(), ConfigErrors> {
        let unkept = capacity::unkept(self);
        if unkept.is_empty() {
            return Ok(());
        }
        let root = DeTable::parse_recoverable(&self.source.text).0;
        let finding = |unkept: Unkept| {
            let key = format!("promise[{}].{}", unkept.promise, unkept.key);
            Finding { span: walk::locate(&root, &key), key, message: unkept.message, help: unkept.help }
        };
        let findings = unkept.into_iter().map(finding).collect();
        Err(ConfigErrors::new(&self.source.file, &self.source.text, findings))
    }

    /// What is allowed in it, and yet looks like a slip: rules that overlap with another
    /// outcome. Nothing where it has faults.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let root = OnceCell::new();
        let findings = check::warnings(self, |path| {
            walk::locate(root.get_or_init(|| DeTable::parse_recoverable(&self.source.text).0), path)
        });
        ConfigErrors::new(&self.source.file, &self.source.text, findings).errors
    }

    /// That it is refused for what the router is like, not the file.
    pub(crate) fn refused(&self, key: &str, message: String, help: &str) -> ConfigErrors {
        let root = DeTable::parse_recoverable(&self.source.text).0;
        let span = walk::locate(&root, key);
        let finding = Finding { span, key: key.into(), message, help: help.into() };
        ConfigErrors::new(&self.source.file, &self.source.text, vec![finding])
    }

    /// The file it was read from.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// The longest packet that any interface sends, label stack included, bytes; 1,500 at
    /// least. Frame buffers must hold it.
    pub fn longest_mtu(&self) -> u16 {
        self.interfaces.iter().map(Interface::longest).fold(1500, u16::max)
    }

    /// Whether some port does without copies.
    pub fn lends(&self) -> bool {
        self.ports.iter().any(|port| port.memif.lends())
    }

    /// The most buffers that rings of ports without copies hold of one worker: those of as many queues as it has, filled
    /// both ways.
    pub fn lent(&self) -> usize {
        let workers = usize::from(self.router.workers).max(1);
        let lent =
            |port: &Port| usize::from(port.queues).div_ceil(workers) * 2 * usize::from(port.memif.entries());
        self.ports.iter().filter(|port| port.memif.lends()).map(lent).sum()
    }

    /// The Vrf of this name, if the file has one.
    pub fn vrf(&self, name: &str) -> Option<&Vrf> {
        self.vrfs.iter().find(|vrf| vrf.name == name)
    }

    /// The prefix list of this name.
    pub fn prefix_list(&self, name: &str) -> Option<&PrefixList> {
        self.prefix_lists.iter().find(|list| list.name == name)
    }

    /// The JSON Schema of the file.
    pub fn schema() -> schemars::Schema {
        schema::schema()
    }
}
