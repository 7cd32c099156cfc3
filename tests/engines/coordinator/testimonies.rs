//! A coordinator carries clocks between nodes, and can at most leave a node in doubt.

use quorate_coordinator::{ClientReply, ClientRequest, Hold, Input, RequestState};
use quorate_protocol::wire::{FromNode, RefusalCode, ToNode};
use quorate_testkit::ClusterFixture;

use super::{Cluster, cluster};
use crate::{FIRST, id, refused, set};

fn reboot(cluster: &mut Cluster, nodes: &[u16]) {
    for node in nodes {
        cluster.lab.reboot(id(*node), ClusterFixture::bundle()).unwrap();
    }
}

/// The nodes that say that they doubt their clocks, as clients see it.
fn doubtful(cluster: &mut Cluster) -> Vec<u16> {
    let Ok(ClientReply::Cluster(view)) = cluster.ask(ClientRequest::GetCluster) else {
        panic!("no view of the cluster")
    };
    let doubts = view.nodes.into_iter().filter(|node| {
        let status = node.status.as_ref();
        status.is_some_and(|status| status.reasons.iter().any(|why| why.contains("clock")))
    });
    doubts.map(|node| node.node.get()).collect()
}

#[test]
fn nodes_that_start_confirm_each_other_as_soon_as_enough_are_there() {
    let mut cluster = cluster();
    reboot(&mut cluster, &[1, 2, 3]);
    cluster.attach(&[1]);
    cluster.attach(&[2]);
    assert_eq!(doubtful(&mut cluster), [1, 2]);
    let request = cluster.lab.payment(1, true);
    let waits = cluster.create(&request).unwrap();
    assert_eq!(waits.hold, Some(Hold::BelowThreshold));
    assert_eq!(waits.record.attempt.0, 0, "no attempt is spent on nodes that would refuse");
    // Nobody waits for the next time that all are asked how they are.
    cluster.attach(&[3]);
    assert_eq!(doubtful(&mut cluster), Vec::<u16>::new());
    let signed = cluster.get(&request).unwrap().record;
    assert!(matches!(signed.state, RequestState::Signed { .. }), "{signed:?}");
    assert_eq!(signed.attempt, FIRST);
}

#[test]
fn a_node_in_doubt_does_not_hold_up_the_others() {
    let mut cluster = cluster();
    cluster.lab.wrong_ms.insert(id(1), 26 * 3_600_000);
    reboot(&mut cluster, &[1]);
    cluster.attach(&[1, 2, 3]);
    assert_eq!(doubtful(&mut cluster), [1]);
    for number in 1..=4 {
        let request = cluster.lab.payment(number, true);
        let record = cluster.create(&request).unwrap().record;
        let RequestState::Signed { signers, .. } = record.state else { panic!("{record:?}") };
        assert_eq!((signers, record.attempt), (set([2, 3]), FIRST));
    }
    // Once it is set right, the next round of questions ends the doubt.
    cluster.lab.wrong_ms.clear();
    cluster.lab.now = cluster.lab.now.plus_millis(5_000);
    cluster.tell(Input::Tick);
    assert_eq!(doubtful(&mut cluster), Vec::<u16>::new());
}

#[test]
fn a_clock_that_is_set_while_a_node_runs_is_noticed_and_confirmed_again() {
    let mut cluster = cluster();
    cluster.attach(&[1, 2, 3]);
    // All nodes' clocks, as a source of time that was off would have it.
    for node in 1..=3 {
        cluster.lab.wrong_ms.insert(id(node), 3_600_000);
    }
    cluster.lab.now = cluster.lab.now.plus_millis(5_000);
    cluster.tell(Input::Tick);
    assert_eq!(doubtful(&mut cluster), Vec::<u16>::new());
    cluster.lab.wrong_ms.insert(id(2), -3_600_000);
    cluster.lab.now = cluster.lab.now.plus_millis(5_000);
    cluster.tell(Input::Tick);
    assert_eq!(doubtful(&mut cluster), [2]);
}

#[test]
fn withheld_or_old_or_false_clocks_have_no_effect_but_refusal() {
    let tricks: [fn(Option<FromNode>, FromNode) -> FromNode; 3] = [
        |_, _| FromNode::Active,
        |old, new| old.unwrap_or(new),
        |_, new| match new {
            FromNode::Testimony(mut reading) => {
                reading.body.heads.clock = reading.body.heads.clock.plus_millis(26 * 3_600_000);
                FromNode::Testimony(reading)
            }
            other => other,
        },
    ];
    for (number, trick) in tricks.into_iter().enumerate() {
        let mut cluster = cluster();
        reboot(&mut cluster, &[1]);
        let challenge = cluster.lab.challenge(id(1)).unwrap();
        let old = cluster.lab.testify(id(2), id(1), challenge);
        cluster.lab.now = cluster.lab.now.plus_millis(26 * 3_600_000);
        reboot(&mut cluster, &[1]);
        cluster.between = Box::new(move |_, answer| match answer {
            reading @ FromNode::Testimony(_) => {
                trick(Some(FromNode::Testimony(old.clone())), reading)
            }
            other => other,
        });
        cluster.attach(&[1, 2, 3]);
        assert_eq!(doubtful(&mut cluster), [1], "{number}");
        let request = cluster.lab.payment(1, true);
        let answer = cluster.lab.reserve(id(1), &request, FIRST, &set([1, 2]));
        assert_eq!(refused(answer), RefusalCode::Time, "{number}");
        // It goes on with an honest one.
        cluster.between = Box::new(|_, answer| answer);
        cluster.restart();
        cluster.attach(&[1, 2, 3]);
        assert_eq!(doubtful(&mut cluster), Vec::<u16>::new(), "{number}");
    }
}

#[test]
fn a_node_that_has_not_said_how_it_is_is_not_asked_to_sign() {
    let mut cluster = cluster();
    cluster.between = Box::new(|node, answer| match answer {
        FromNode::Status(_) if node == id(1) => FromNode::Active,
        other => other,
    });
    cluster.attach(&[1, 2]);
    let request = cluster.lab.payment(1, true);
    assert_eq!(cluster.create(&request).unwrap().hold, Some(Hold::BelowThreshold));
    let FromNode::Status(status) = cluster.lab.ask(id(1), ToNode::Status) else { panic!() };
    assert!(status.ready);
    cluster.attach(&[3]);
    let signed = cluster.get(&request).unwrap().record.state;
    assert!(matches!(signed, RequestState::Signed { .. }), "{signed:?}");
}
