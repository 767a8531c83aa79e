//! A path in words.

use control::api::lsp::LspTarget;
use ipnet::IpNet;

const ALLOWED: &str = "allowed: PREFIX, or label LABEL [LABEL ...] via ADDRESS [dev INTERFACE]";

/// `PREFIX`, or `label LABEL [LABEL ...] via ADDRESS [dev INTERFACE]`.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub(super) fn parse(words: &[&str]) -> Result<LspTarget, String> {
    match words {
        ["label", rest @ ..] => labels(rest),
        [one] => prefix(one).map(LspTarget::Prefix),
        [] => Err(ALLOWED.into()),
        [_, more, ..] => Err(format!("\"{more}\" is too much; {ALLOWED}")),
    }
}

/// A prefix; an address is one of its own.
fn prefix(text: &str) -> Result<IpNet, String> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    net.map(|net| net.trunc()).map_err(|_| format!("\"{text}\" is no prefix; {ALLOWED}"))
}

fn labels(words: &[&str]) -> Result<LspTarget, String> {
    let at = words.iter().position(|word| *word == "via").unwrap_or(words.len());
    let (labels, rest) = words.split_at(at);
    let label = |text: &&str| {
        let label = text.parse::<u32>().ok().filter(|label| *label < 1 << 20);
        label.ok_or_else(|| format!("label {text}; allowed: 16 to 1048575, or 0, 1 or 2"))
    };
    let labels = labels.iter().map(label).collect::<Result<Vec<_>, _>>()?;
    if labels.is_empty() || labels.len() > 8 {
        return Err(format!("{} labels; allowed: 1 to 8; {ALLOWED}", labels.len()));
    }
    let (via, interface) = match rest {
        ["via", via] => (via, None),
        ["via", via, "dev", interface] => (via, Some(String::from(*interface))),
        _ => return Err(format!("labels want a neighbour; {ALLOWED}")),
    };
    let via = via.parse().map_err(|_| format!("\"{via}\" is no address; {ALLOWED}"))?;
    Ok(LspTarget::Labels { labels, via, interface })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<LspTarget, String> {
        parse(&text.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn a_path_is_a_prefix_or_labels_at_a_neighbour() {
        assert_eq!(words("10.9.1.2/16"), Ok(LspTarget::Prefix("10.9.0.0/16".parse().unwrap())));
        assert_eq!(words("2001:db8::1"), Ok(LspTarget::Prefix("2001:db8::1/128".parse().unwrap())));
        let (via, interface) = ("192.0.2.9".parse().unwrap(), None);
        let labels = vec![16_004, 30_012];
        assert_eq!(
            words("label 16004 30012 via 192.0.2.9"),
            Ok(LspTarget::Labels { labels, via, interface })
        );
        let (via, interface) = ("fe80::9".parse().unwrap(), Some("core".to_string()));
        let target = LspTarget::Labels { labels: vec![17], via, interface };
        assert_eq!(words("label 17 via fe80::9 dev core"), Ok(target));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (text, told) in [
            ("", "allowed: PREFIX"),
            ("ten", "\"ten\" is no prefix"),
            ("10.0.0.0/8 20.0.0.0/8", "\"20.0.0.0/8\" is too much"),
            ("label via 192.0.2.9", "0 labels; allowed: 1 to 8"),
            ("label 1 2 3 4 5 6 7 8 9 via 192.0.2.9", "9 labels"),
            ("label 1048576 via 192.0.2.9", "label 1048576; allowed"),
            ("label 17", "labels want a neighbour"),
            ("label 17 via nine", "\"nine\" is no address"),
            ("label 17 via 192.0.2.9 dev", "labels want a neighbour"),
        ] {
            let wrong = words(text).unwrap_err();
            assert!(wrong.contains(told), "{text}: {wrong}");
        }
    }
}
