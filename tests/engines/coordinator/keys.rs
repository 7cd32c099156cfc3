//! Key generation, from the coordinator's side.

use super::*;

#[test]
fn an_order_id_or_key_id_is_used_once() {
    let mut cluster = cluster();
    let order = cluster.lab.order();
    let again = cluster.ask(ClientRequest::BeginCeremony(order)).unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict, "the key exists");
}

#[test]
fn a_crash_between_the_last_confirmation_and_its_record_costs_no_key() {
    let mut cluster = cluster();
    // The nodes are active; the coordinator's disk knows of no confirmation.
    let mut key = key_record(&cluster.lab);
    key.active = false;
    key.confirmations.clear();
    cluster.records = vec![Record::Key(key)];
    cluster.restart();
    cluster.attach(&[1, 2, 3]);
    for _ in 0..40 {
        cluster.lab.now = cluster.lab.now.plus_millis(1_000);
        cluster.tell(Input::Tick);
    }
    let request = cluster.lab.payment(1, true);
    assert!(matches!(cluster.create(&request).unwrap().record.state, RequestState::Signed { .. }));
}

#[test]
fn a_node_that_repeats_its_vote_does_not_keep_a_key_generation_going_for_ever() {
    let mut cluster = cluster();
    let mut order = cluster.lab.order();
    order.text = order.text.replace("treasury", "second");
    let signers = cluster.lab.fixture.signers.persons.iter().take(2);
    order.signatures = signers
        .map(|(name, key)| {
            StatementSignature::sign(&order.text, Namespace::Order, name.clone(), key)
        })
        .collect();
    let certified = cluster.lab.certified();
    let mut votes = 0;
    let counter = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = std::rc::Rc::clone(&counter);
    let me = id(3);
    let pem = cluster.lab.fixture.signers.nodes[&me].to_pkcs8_pem().unwrap();
    let key = quorate_trust::SigningKey::from_pkcs8_pem(&pem).unwrap();
    cluster.between = Box::new(move |node, answer| match answer {
        FromNode::Announcement(_) if node == me => {
            votes += 1;
            seen.set(votes);
            let vote = quorate_protocol::Vote { certified: certified.digest() };
            FromNode::Vote(certified.clone(), quorate_trust::Signed::sign(me, vote, &key))
        }
        answer => answer,
    });
    cluster.attach(&[1, 2, 3]);
    // Would never return if it went on for ever.
    let reply = cluster.ask(ClientRequest::BeginCeremony(order));
    assert!(reply.is_ok(), "{reply:?}");
    assert!(counter.get() <= 2, "{}", counter.get());
}
