//! The files that a new member starts with.

use std::net::SocketAddr;

use quorate_model::{Digest, Network, ParticipantId, PersonName, ServiceName};

use super::address::CoordinatorAddress;
use crate::network_name;

/// The policy of a new node: allows nothing until somebody names services and addresses.
pub(crate) const STARTER_POLICY: &str = include_str!("starter-policy.toml");

/// Whose command line a profile is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client<'a> {
    Service(&'a ServiceName),
    Person(&'a PersonName),
}

/// `node.toml`.
pub(crate) fn node(
    id: ParticipantId,
    cluster: Digest,
    coordinators: &[CoordinatorAddress],
) -> String {
    format!(
        "# A signer node. A relative path is relative to this file.\n\
         \n\
         # This node's number in the trust root.\n\
         participant = {id}\n\
         {PINNED}cluster = \"{cluster}\"\n\
         # Signs everything this node says.\n\
         identity_key = \"identity.pem\"\n\
         # The policy that the cluster begins with: pinned in the trust root.\n\
         policy = \"policy.toml\"\n\
         {TLS}{STORE}{}\n\
         # The only thing a node listens on. Reaches it without any coordinator.\n\
         [admin]\n\
         socket = \"admin.sock\"\n",
        tables(coordinators),
    )
}

/// `coordinator.toml`.
pub(crate) fn coordinator(cluster: Digest, listen: SocketAddr) -> String {
    // Clusters within one machine would be in each other's way at a fixed port.
    let off = if listen.ip().is_loopback() { "# " } else { "" };
    format!(
        "# A coordinator: it holds no share and decides nothing. A relative path is relative to this\n\
         # file.\n\
         \n\
         {PINNED}cluster = \"{cluster}\"\n\
         # Nodes, services and people connect here, all with client certificates.\n\
         listen = \"{listen}\"\n\
         {TLS}{STORE}\n\
         # Where Prometheus scrapes.\n\
         {off}[metrics]\n\
         {off}address = \"127.0.0.1:9465\"\n"
    )
}

/// `client.toml`: the profile of the command line.
pub(crate) fn client(
    who: Client<'_>,
    cluster: Digest,
    coordinators: &[CoordinatorAddress],
    networks: &[Network],
) -> String {
    let who = match who {
        Client::Service(name) => format!(
            "# Whose requests are sent, and the key that signs them.\n\
             service = \"{name}\"\n\
             request_key = \"request.pem\"\n"
        ),
        Client::Person(name) => format!("# Whose command line this is.\nperson = \"{name}\"\n"),
    };
    let networks: Vec<_> =
        networks.iter().map(|network| format!("{:?}", network_name::short(*network))).collect();
    format!(
        "# The command line's profile. A relative path is relative to this file.\n\
         \n\
         {PINNED}cluster = \"{cluster}\"\n\
         {who}\
         # The networks meant where a command names none: at most one for each kind of key.\n\
         networks = [{}]\n\
         {TLS}{}",
        networks.join(", "),
        tables(coordinators),
    )
}

const PINNED: &str = "# The trust root, and its hash: the cluster's id. Compared out of band.\n\
                      root = \"root.txt\"\n";

const TLS: &str = "\n[tls]\n\
                   ca = \"ca.crt\"\n\
                   certificate = \"tls.crt\"\n\
                   key = \"tls.key\"\n";

const STORE: &str = "\n[store]\n\
                     dir = \"store\"\n\
                     \n\
                     # What wraps the data keys: passphrase_file, or credential (systemd).\n\
                     [store.kek]\n\
                     passphrase_file = \"passphrase\"\n";

fn tables(coordinators: &[CoordinatorAddress]) -> String {
    coordinators
        .iter()
        .map(|address| format!("\n[[coordinators]]\naddress = \"{address}\"\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use quorate_daemon::config::{CoordinatorFile, NodeFile};
    use quorate_policy::Bundle;

    use super::*;
    use crate::profile::ClientFile;

    fn address() -> CoordinatorAddress {
        "coordinator.example.org:7443".parse().unwrap()
    }

    fn load<T, E: std::fmt::Debug>(
        text: &str,
        load: impl Fn(&std::path::Path) -> Result<T, E>,
    ) -> T {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        load(&path).unwrap()
    }

    #[test]
    fn every_configuration_is_one_that_its_reader_takes() {
        let cluster = Digest::new([7; 32]);
        let text = node("3".parse().unwrap(), cluster, &[address(), address()]);
        let file = load(&text, NodeFile::load);
        assert_eq!((file.participant, file.coordinators.len()), (3, 2));
        assert_eq!(file.coordinators[0].address, "https://coordinator.example.org:7443");
        let file = load(&coordinator(cluster, address().listen()), CoordinatorFile::load);
        assert_eq!(file.listen.to_string(), "0.0.0.0:7443");
        assert!(file.metrics.address.is_some_and(|address| address.ip().is_loopback()));
        let any_port = ([127, 0, 0, 1], 0).into();
        assert!(
            load(&coordinator(cluster, any_port), CoordinatorFile::load).metrics.address.is_none()
        );
        let service = "payments".parse().unwrap();
        let networks = [Network::BitcoinRegtest, Network::SolanaDevnet];
        let text = client(Client::Service(&service), cluster, &[address()], &networks);
        assert!(toml::from_str::<ClientFile>(&text).is_ok(), "{text}");
        let person = "alice".parse().unwrap();
        let text = client(Client::Person(&person), cluster, &[address()], &[]);
        assert!(toml::from_str::<ClientFile>(&text).is_ok(), "{text}");
    }

    #[test]
    fn the_starter_policy_is_a_bundle() {
        assert_eq!(Bundle::parse(STARTER_POLICY).unwrap().version(), 1);
    }
}
