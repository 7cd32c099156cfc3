//! Where a coordinator is reached.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use rustls_pki_types::ServerName;

const SCHEME: &str = "https://";

/// The host and port of a coordinator. Written `https://host:port` in configuration; `host:port` is
/// read as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoordinatorAddress {
    /// With brackets around an IPv6 address.
    host: String,
    port: u16,
    name: ServerName<'static>,
}

/// The text is no address of a coordinator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no address of a coordinator: expected host:port, such as coordinator.example.org:7443"
)]
pub(crate) struct ParseAddress(String);

impl CoordinatorAddress {
    /// `host:port`, to connect to.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host without port or brackets: what a certificate is for.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The name that the coordinator's certificate has to be for.
    pub(crate) const fn server_name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// What a coordinator with this address listens on: exactly it where it is a loopback address,
    /// every interface elsewhere, since a name says nothing about interfaces.
    pub(crate) fn listen(&self) -> SocketAddr {
        let loopback = self.host().parse().ok().filter(IpAddr::is_loopback);
        SocketAddr::new(loopback.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), self.port)
    }
}

impl FromStr for CoordinatorAddress {
    type Err = ParseAddress;

    fn from_str(text: &str) -> Result<Self, ParseAddress> {
        let error = || ParseAddress(text.to_owned());
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (host, port) = rest.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| error())?;
        Ok(Self { host: host.to_owned(), port, name })
    }
}

impl fmt::Display for CoordinatorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> CoordinatorAddress {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for text in ["https://c.example.org:7443", "https://127.0.0.1:0", "https://[::1]:7443"] {
            assert_eq!(address(text).to_string(), text);
            assert_eq!(address(text.strip_prefix(SCHEME).unwrap()), address(text));
        }
        for text in ["", "host", "host:", ":7443", "host:65536", "a b:1", "http://host:1"] {
            assert!(text.parse::<CoordinatorAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_loopback_address_is_listened_on_by_itself() {
        assert_eq!(address("127.0.0.1:7").listen().to_string(), "127.0.0.1:7");
        assert_eq!(address("[::1]:7").listen().to_string(), "[::1]:7");
        assert_eq!(address("c.example.org:7").listen().to_string(), "0.0.0.0:7");
        assert_eq!(address("192.0.2.1:7").listen().to_string(), "0.0.0.0:7");
        assert_eq!(address("[::1]:7").host(), "::1");
    }
}
