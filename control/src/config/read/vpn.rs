//! `[[vrf]]`, `[[prefix-list]]`, `[[community]]` and `[[extranet]]`.

use super::name;
use crate::config::community::{Community, Extranet};
use crate::config::prefix_list::PrefixList;
use crate::config::types::Vrf;
use crate::config::values::Name;
use crate::config::vpn::TargetRule;
use crate::config::walk::Table;

pub(super) fn vrf(mut table: Table<'_, '_>) -> Option<Vrf> {
    let name = name(&mut table, "name");
    let vrf = Vrf {
        name: name.clone().unwrap_or_default(),
        otherwise: table.get("otherwise"),
        rd: table.get("rd"),
        import: targets(&mut table, "import"),
        export: targets(&mut table, "export"),
        label: table.get("label").unwrap_or_default(),
        ttl: table.get("ttl").unwrap_or_default(),
        diffserv: table.get("diffserv").unwrap_or_default(),
    };
    table.finish();
    name.map(|_| vrf)
}

fn targets(table: &mut Table<'_, '_>, key: &'static str) -> Vec<TargetRule> {
    let plain = |target| TargetRule { target, prefixes: None };
    table.mixed(key, plain, |mut table| {
        let target = table.need("target");
        let prefixes = table.get::<Name>("prefixes").map(|n| n.0);
        table.finish();
        target.map(|target| TargetRule { target, prefixes })
    })
}

pub(super) fn prefix_list(mut table: Table<'_, '_>) -> Option<PrefixList> {
    let name = name(&mut table, "name");
    let entries = table.list("entries");
    table.finish();
    name.map(|name| PrefixList { name, entries })
}

pub(super) fn community(mut table: Table<'_, '_>) -> Option<Community> {
    let name = name(&mut table, "name");
    let (members, hubs) = (table.list("members"), table.list("hubs"));
    let (send_only, receive_only) = (table.list("send-only"), table.list("receive-only"));
    table.finish();
    name.map(|name| Community { name, members, hubs, send_only, receive_only })
}

pub(super) fn extranet(mut table: Table<'_, '_>) -> Option<Extranet> {
    let (from, to) = (name(&mut table, "from"), name(&mut table, "to"));
    let prefixes = table.list("prefixes");
    table.finish();
    Some(Extranet { from: from?, to: to?, prefixes })
}
