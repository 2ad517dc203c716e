//! Who may play from a domain, by the page that asks and by the address that does (contract §2.4): read once from the
//! functions of the domain's configuration, and asked for every request.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;

/// Most entries of one list.
const ENTRIES_MAX: usize = 400;
/// Longest host that is looked at, in bytes (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Whom a list names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// Those who may; nobody else does.
    Allow,
    /// Those who may not.
    Deny,
}

/// A list of the sites whose pages may, or may not, show what is served.
///
/// It keeps honest browsers of other sites out. Whoever writes the header himself writes what he likes: it is no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Referers {
    verdict: Verdict,
    /// Lower case; `*` stands for any characters.
    hosts: Vec<String>,
    allow_empty: bool,
    exact: bool,
    ignore_scheme: bool,
}

impl Referers {
    /// The functions that it is, and the argument that has the list.
    const FUNCTIONS: [(&'static str, &'static str, Verdict); 2] = [
        ("referer_white_list_set", "refer_domain_allow_list", Verdict::Allow),
        ("referer_black_list_set", "refer_domain_deny_list", Verdict::Deny),
    ];

    /// Reads the arguments of `function`; `None` when it is no list of sites. The error is a sentence on what is wrong.
    pub fn of_args(function: &str, args: &BTreeMap<String, String>) -> Option<Result<Self, String>> {
        let (_, list, verdict) = Self::FUNCTIONS.iter().find(|(name, ..)| *name == function)?;
        Some(Self::read(*verdict, list, args))
    }

    fn read(verdict: Verdict, list: &str, args: &BTreeMap<String, String>) -> Result<Self, String> {
        known(args, &[list, "allow_empty", "disable_ast", "ignore_scheme"])?;
        let hosts = entries(args, list)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
        if let Some(odd) = hosts.iter().find(|host| host.len() > HOST_BYTES_MAX || !host.chars().all(plain)) {
            return Err(format!("{list}: {odd:?} is no host name; write it without a scheme, a port or a path"));
        }
        Ok(Self {
            verdict,
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            allow_empty: switch(args, "allow_empty", true)?,
            exact: switch(args, "disable_ast", false)?,
            ignore_scheme: switch(args, "ignore_scheme", false)?,
        })
    }

    /// May a request with this `Referer` be answered?
    pub fn admits(&self, referer: Option<&str>) -> bool {
        let Some(host) = referer.and_then(|text| self.host(text)) else { return self.allow_empty };
        let listed = self.hosts.iter().any(|pattern| self.fits(pattern, &host));
        listed == (self.verdict == Verdict::Allow)
    }

    /// The host in a Referer, lower case. One that cannot be read counts as none, as it says no more.
    fn host(&self, referer: &str) -> Option<String> {
        let (scheme, rest) = match referer.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, referer),
        };
        match scheme {
            Some(scheme) if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => return None,
            None if !self.ignore_scheme => return None,
            _ => {}
        }
        // Browsers end the authority at a backslash, too.
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        let host = authority.rsplit('@').next()?.split(':').next()?;
        (!host.is_empty() && host.len() <= HOST_BYTES_MAX).then(|| host.to_ascii_lowercase())
    }

    fn fits(&self, pattern: &str, host: &str) -> bool {
        if matches(pattern, host) {
            return true;
        }
        let mut below = host;
        while let Some((_, rest)) = below.split_once('.').filter(|_| !self.exact) {
            if matches(pattern, rest) {
                return true;
            }
            below = rest;
        }
        false
    }
}

/// Does `text` consist of the parts of `pattern`, with anything where a `*` is?
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part).and_then(|at| rest.get(at.saturating_add(part.len())..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// A list of addresses that may, or may not, ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addresses {
    verdict: Verdict,
    networks: Vec<Network>,
    looks_at: LooksAt,
}

/// Which address of a request counts: the one that connects, or the one that a trusted proxy tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LooksAt {
    Told,
    Connected,
    Both,
}

impl Addresses {
    const FUNCTIONS: [(&'static str, Verdict); 2] =
        [("ip_allow_list_set", Verdict::Allow), ("ip_black_list_set", Verdict::Deny)];

    /// Reads the arguments of `function`; `None` when it is no list of addresses. The error is a sentence on what is wrong.
    pub fn of_args(function: &str, args: &BTreeMap<String, String>) -> Option<Result<Self, String>> {
        let (_, verdict) = Self::FUNCTIONS.iter().find(|(name, _)| *name == function)?;
        Some(Self::read(*verdict, args))
    }

    fn read(verdict: Verdict, args: &BTreeMap<String, String>) -> Result<Self, String> {
        // The notes are for people: kept, told back, not read.
        known(args, &["ip_list", "ip_list_notes", "ip_acl_xfwd"])?;
        let network = |text: &String| {
            Network::parse(text)
                .ok_or_else(|| format!("ip_list: {text:?} is no address, and no network such as 192.0.2.0/24"))
        };
        let looks_at = match args.get("ip_acl_xfwd").map_or("on", String::as_str) {
            "on" | "" => LooksAt::Told,
            "off" => LooksAt::Connected,
            "all" => LooksAt::Both,
            _ => return Err("ip_acl_xfwd is one of on, off, all".to_owned()),
        };
        Ok(Self {
            verdict,
            networks: entries(args, "ip_list")?.iter().map(network).collect::<Result<_, _>>()?,
            looks_at,
        })
    }

    /// May a request be answered that comes from `connected`, and of which a trusted proxy, if there is one, tells that it
    /// comes from `told`? Nobody may of whom the address is not known.
    pub fn admits(&self, connected: Option<IpAddr>, told: Option<IpAddr>) -> bool {
        let asked = match self.looks_at {
            LooksAt::Told => vec![told.or(connected)],
            LooksAt::Connected => vec![connected],
            LooksAt::Both => vec![connected, told.or(connected)],
        };
        asked.into_iter().all(|address| {
            let Some(address) = address else { return false };
            let listed = self.networks.iter().any(|network| network.holds(address));
            listed == (self.verdict == Verdict::Allow)
        })
    }
}

/// An address, or all that begin alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Network {
    /// IPv4 as the IPv6 address that it is mapped to.
    bits: u128,
    /// Bits that count, of 128.
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => width,
        };
        (length <= width)
            .then(|| Self { bits: bits(address), prefix: 128u32.saturating_sub(width).saturating_add(length) })
    }

    fn holds(&self, address: IpAddr) -> bool {
        let ignored = 128u32.saturating_sub(self.prefix);
        // Shifted by all bits nothing is left.
        let kept = |bits: u128| bits.checked_shr(ignored).unwrap_or(0);
        kept(bits(address)) == kept(self.bits)
    }
}

fn bits(address: IpAddr) -> u128 {
    let mapped: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    mapped.to_bits()
}

fn known(args: &BTreeMap<String, String>, names: &[&str]) -> Result<(), String> {
    match args.keys().find(|name| !names.contains(&name.as_str())) {
        Some(unknown) => Err(format!("there is no argument {unknown:?}; there are {}", names.join(", "))),
        None => Ok(()),
    }
}

/// The entries of a list, of which there is one at least.
fn entries(args: &BTreeMap<String, String>, name: &str) -> Result<Vec<String>, String> {
    let text = args.get(name).map_or("", String::as_str);
    let entries: Vec<String> =
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    match entries.len() {
        0 => Err(format!("{name} is empty; delete the function to lift it")),
        count if count > ENTRIES_MAX => Err(format!("{name} has {count} entries; {ENTRIES_MAX} are allowed")),
        _ => Ok(entries),
    }
}

fn switch(args: &BTreeMap<String, String>, name: &str, default: bool) -> Result<bool, String> {
    match args.get(name).map_or("", String::as_str) {
        "" => Ok(default),
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{name} is on or off")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn allow(list: &str, more: &[(&str, &str)]) -> Referers {
        let pairs = [&[("refer_domain_allow_list", list)], more].concat();
        Referers::of_args("referer_white_list_set", &args(&pairs)).unwrap().unwrap()
    }

    fn deny(list: &str) -> Referers {
        Referers::of_args("referer_black_list_set", &args(&[("refer_domain_deny_list", list)])).unwrap().unwrap()
    }

    #[test]
    fn a_site_is_listed_with_the_names_below_it() {
        let list = allow("example.org,a*b.example.com", &[]);
        for (referer, admitted) in [
            ("https://example.org/page?x=1", true),
            ("http://EXAMPLE.org", true),
            ("https://www.example.org:8443/", true),
            ("https://badexample.org/", false),
            ("https://example.org.evil.net/", false),
            ("https://example.org@evil.net/", false),
            ("https://evil.net/https://example.org", false),
            ("https://evil.net\\@example.org/", false),
            ("https://evil.net?example.org", false),
            ("https://a1b.example.com/", true),
            ("https://ab.example.com/", true),
            ("https://x.a1b.example.com/", true),
            ("https://example.com/", false),
        ] {
            assert_eq!(list.admits(Some(referer)), admitted, "{referer}");
        }
        assert!(!deny("example.org").admits(Some("https://www.example.org/")));
        assert!(deny("example.org").admits(Some("https://example.com/")));
    }

    #[test]
    fn exact_names_have_none_below_them() {
        let list = allow("example.org,*.example.com", &[("disable_ast", "on")]);
        assert!(list.admits(Some("https://example.org/")) && list.admits(Some("https://a.example.com/")));
        assert!(!list.admits(Some("https://www.example.org/")) && !list.admits(Some("https://example.com/")));
    }

    #[test]
    fn without_a_referer_it_is_as_the_domain_says() {
        assert!(allow("example.org", &[]).admits(None));
        let strict = allow("example.org", &[("allow_empty", "off")]);
        for referer in [None, Some(""), Some("example.org"), Some("ftp://example.org/"), Some("https:///")] {
            assert!(!strict.admits(referer), "{referer:?}");
        }
        let bare = allow("example.org", &[("allow_empty", "off"), ("ignore_scheme", "on")]);
        assert!(bare.admits(Some("example.org/page")) && !bare.admits(Some("example.net/example.org")));
    }

    #[test]
    fn networks_hold_their_addresses_in_either_form() {
        let list = |function: &str, list: &str, looks_at: &str| {
            Addresses::of_args(function, &args(&[("ip_list", list), ("ip_acl_xfwd", looks_at)])).unwrap().unwrap()
        };
        let allow = list("ip_allow_list_set", "192.0.2.7, 10.0.0.0/8,2001:db8::/32", "off");
        for (address, admitted) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(allow.admits(Some(address.parse().unwrap()), None), admitted, "{address}");
        }
        assert!(!allow.admits(None, Some("192.0.2.7".parse().unwrap())), "an unknown address is nobody's");
        let everybody = list("ip_black_list_set", "0.0.0.0/0,::/0", "on");
        assert!(!everybody.admits(Some("192.0.2.8".parse().unwrap()), None));
    }

    #[test]
    fn what_a_proxy_tells_counts_as_the_domain_says() {
        let (inside, outside) = ("10.0.0.1".parse().ok(), "192.0.2.1".parse().ok());
        for (looks_at, connected, told, admitted) in [
            ("on", outside, inside, true),
            ("on", inside, outside, false),
            ("on", inside, None, true),
            ("off", inside, outside, true),
            ("all", inside, outside, false),
            ("all", inside, inside, true),
        ] {
            let pairs = args(&[("ip_list", "10.0.0.0/8"), ("ip_acl_xfwd", looks_at)]);
            let list = Addresses::of_args("ip_allow_list_set", &pairs).unwrap().unwrap();
            assert_eq!(list.admits(connected, told), admitted, "{looks_at} {connected:?} {told:?}");
        }
    }

    #[test]
    fn lists_that_cannot_be_meant_are_refused() {
        let referers = |pairs: &[(&str, &str)]| Referers::of_args("referer_white_list_set", &args(pairs)).unwrap();
        for list in ["", " , ", "https://example.org", "example.org/", "example.org:80", "ü.org"] {
            assert!(referers(&[("refer_domain_allow_list", list)]).is_err(), "{list}");
        }
        assert!(referers(&[("refer_domain_allow_list", "a.b"), ("allow_empty", "yes")]).is_err());
        assert!(
            referers(&[("refer_domain_allow_list", "a.b"), ("redirect_url", "x")])
                .unwrap_err()
                .contains("redirect_url")
        );
        let addresses = |list: &str| Addresses::of_args("ip_black_list_set", &args(&[("ip_list", list)])).unwrap();
        for list in ["", "example.org", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+8", "::/129"] {
            assert!(addresses(list).is_err(), "{list}");
        }
        let many = vec!["192.0.2.1"; ENTRIES_MAX + 1].join(",");
        assert!(addresses(&many).unwrap_err().contains("401"));
        assert!(
            Addresses::of_args("aliauth", &args(&[])).is_none() && Referers::of_args("aliauth", &args(&[])).is_none()
        );
    }

    proptest! {
        #[test]
        fn any_referer_is_judged(pattern in "[a-c*.]{1,6}", referer in ".{0,30}", host in "[a-c.]{0,6}") {
            let list = allow(&pattern, &[("ignore_scheme", "on")]);
            list.admits(Some(&referer));
            list.admits(Some(&format!("https://{host}/")));
            prop_assert_eq!(matches("*", &referer), true);
            prop_assert_eq!(matches(&host, &host), true);
        }

        #[test]
        fn any_text_is_a_network_or_none(text in "[0-9a-f:./]{0,12}") {
            if let Some(network) = Network::parse(&text) {
                prop_assert!(network.prefix <= 128);
            }
        }
    }
}
