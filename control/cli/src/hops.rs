//! Next hops in words: `via ADDRESS [dev INTERFACE] [push LABEL,…]`, of routes and labels.

use std::net::IpAddr;

use control::commit::RouteVia;
use control::config::{DiffServWord, TtlWord};

/// Reads a word of a next hop into `via`; `None` when it is none. What stands behind several
/// next hops is for all of them that have none of it yet.
pub(crate) fn take<'w>(
    via: &mut Vec<RouteVia>,
    word: &str,
    words: &mut impl Iterator<Item = &'w str>,
    after: &str,
) -> Option<Result<(), String>> {
    match word {
        "via" => Some(next(word, "an address", words, after).and_then(|text| {
            let wrong = |_| format!("\"{text}\" is no address; allowed: via 192.0.2.1");
            via.push(RouteVia::from(text.parse::<IpAddr>().map_err(wrong)?));
            Ok(())
        })),
        "dev" => Some(next(word, "an interface", words, after).and_then(|name| {
            let open = via.iter_mut().filter(|v| v.interface.is_none());
            each(open, |v| v.interface = Some(name.into()), &format!("dev {name}"), after)
        })),
        "push" => Some(next(word, "labels", words, after).and_then(|text| {
            let labels = labels(text)?;
            let open = via.iter_mut().filter(|v| v.push.is_none());
            each(open, |v| v.push = Some(labels.clone()), &format!("push {text}"), after)
        })),
        _ => None,
    }
}

fn each<'v>(
    mut open: impl Iterator<Item = &'v mut RouteVia>,
    set: impl Fn(&mut RouteVia),
    said: &str,
    after: &str,
) -> Result<(), String> {
    let Some(first) = open.next() else { return Err(format!("{said} stands behind no via; {after}")) };
    set(first);
    open.for_each(set);
    Ok(())
}

/// The word behind `word`.
pub(crate) fn next<'w>(
    word: &str,
    what: &str,
    words: &mut impl Iterator<Item = &'w str>,
    after: &str,
) -> Result<&'w str, String> {
    words.next().ok_or_else(|| format!("{word} wants {what}; {after}"))
}

/// Labels with commas between, outermost first.
fn labels(text: &str) -> Result<Vec<u32>, String> {
    text.split(',').map(label).collect()
}

/// One label.
pub(crate) fn label(text: &str) -> Result<u32, String> {
    let label = text.parse::<u32>().ok().filter(|label| *label < 1 << 20);
    label.ok_or_else(|| format!("\"{text}\" is no label; allowed: 0 to 1048575, several with commas"))
}

/// A TTL model.
pub(crate) fn ttl(text: &str) -> Result<TtlWord, String> {
    word(text, [TtlWord::Uniform, TtlWord::Pipe], "ttl")
}

/// A DiffServ model.
pub(crate) fn diffserv(text: &str) -> Result<DiffServWord, String> {
    word(text, [DiffServWord::Uniform, DiffServWord::Pipe, DiffServWord::ShortPipe], "diffserv")
}

fn word<T: ToString, const N: usize>(text: &str, all: [T; N], what: &str) -> Result<T, String> {
    let names = all.each_ref().map(T::to_string).join(", ");
    let found = all.into_iter().find(|word| word.to_string() == text);
    found.ok_or_else(|| format!("{what} {text}; allowed: {names}"))
}
