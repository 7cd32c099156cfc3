//! The accept loop outlives whatever comes in.

use std::time::Duration;

use quorate_net::attach::GatewayEvent;
use quorate_net::{BindError, Listener, ListenerLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Cluster, Coordinator, Node, PATIENCE, RawNode, node};

#[tokio::test]
async fn a_handshake_that_never_ends_keeps_nobody_waiting() {
    let cluster = Cluster::new();
    let limits =
        ListenerLimits { handshake_timeout: Duration::from_millis(300), ..Default::default() };
    let mut coordinator =
        Coordinator::start_at(&cluster, "127.0.0.1:0".parse().unwrap(), limits).await;
    let mut silent = TcpStream::connect(coordinator.address).await.unwrap();
    let mut garbage = TcpStream::connect(coordinator.address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();

    let _first = Node::start(coordinator.target(), cluster.node(1));
    assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(1) });

    // And the silent one is closed when its time is over.
    let read = timeout(PATIENCE, silent.read(&mut [0; 1])).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn connections_over_the_limit_are_closed() {
    let cluster = Cluster::new();
    for limits in [
        ListenerLimits { connections_max: 1, ..Default::default() },
        ListenerLimits { handshakes_max: 1, ..Default::default() },
    ] {
        let coordinator =
            Coordinator::start_at(&cluster, "127.0.0.1:0".parse().unwrap(), limits).await;
        let first = TcpStream::connect(coordinator.address).await.unwrap();
        let mut second = TcpStream::connect(coordinator.address).await.unwrap();
        let read = timeout(PATIENCE, second.read(&mut [0; 1])).await.expect("it is closed");
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        drop(first);
    }
}

#[tokio::test]
async fn a_connection_that_ends_makes_room() {
    let cluster = Cluster::new();
    let limits = ListenerLimits { connections_max: 1, ..Default::default() };
    let mut coordinator =
        Coordinator::start_at(&cluster, "127.0.0.1:0".parse().unwrap(), limits).await;
    for id in [1, 2] {
        let attached = async {
            // The server may not have noticed yet that the last one is gone: the node tries again.
            let _node = Node::start(coordinator.target(), cluster.node(id));
            assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(id) });
        };
        attached.await;
        assert_eq!(coordinator.event().await, GatewayEvent::Detached { node: node(id) });
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let cluster = Cluster::new();
    let coordinator = Coordinator::start(&cluster).await;
    let tls = cluster.coordinator();
    let error = Listener::bind(coordinator.address, &tls, ListenerLimits::default()).await;
    let error = error.err().unwrap();
    assert!(error.to_string().contains(&coordinator.address.to_string()), "{error}");
    let node = cluster.node(1);
    let error = Listener::bind(coordinator.address, &node, ListenerLimits::default()).await;
    assert!(matches!(error.err(), Some(BindError::Tls(_))));
}

#[tokio::test]
async fn many_nodes_attach_at_once() {
    let cluster = Cluster::new();
    let mut coordinator = Coordinator::start(&cluster).await;
    let mut streams = Vec::new();
    for id in 1..=3 {
        let mut raw = RawNode::connect(&coordinator, &cluster.node(id)).await;
        streams.push(raw.attach().await);
        assert_eq!(coordinator.event().await, GatewayEvent::Attached { node: node(id) });
    }
    assert_eq!(coordinator.handle.attached(), [node(1), node(2), node(3)]);
}
