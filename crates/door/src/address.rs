//! From which address a request comes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

/// The address of a request: the one that connects or, behind a proxy, the one that the proxy tells. `None`: it came from this process.
pub fn address_of(extensions: &Extensions, headers: &HeaderMap, behind_proxy: bool) -> Option<IpAddr> {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Of a list the last is what the proxy itself saw; whatever stands before came from outside.
    let list = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| behind_proxy);
    let told = list.and_then(|list| list.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    told.or(connected).map(|address: IpAddr| address.to_canonical())
}

/// Who is counted together: an IPv4 address, or an IPv6 network of 64 bits, in which one host has as many addresses as it likes.
pub fn neighbourhood(address: Option<IpAddr>) -> String {
    match address {
        Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        Some(IpAddr::V4(address)) => address.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_counts_behind_a_proxy_alone() {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))));
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.9".parse().unwrap());
        headers.append("x-forwarded-for", "192.0.2.1, 192.0.2.2".parse().unwrap());
        let text = |behind| address_of(&extensions, &headers, behind).map(|address| address.to_string());
        assert_eq!(text(false).as_deref(), Some("10.0.0.1"));
        assert_eq!(text(true).as_deref(), Some("192.0.2.2"));
        assert_eq!(address_of(&Extensions::new(), &HeaderMap::new(), true), None);
    }

    #[test]
    fn a_network_of_one_host_is_one_neighbour() {
        let of = |text: &str| neighbourhood(text.parse().ok());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
