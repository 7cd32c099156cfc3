#[path = "order_tests/reshare.rs"]
mod reshare;
#[path = "order_tests/states.rs"]
mod states;

use std::collections::BTreeMap;

use quorate_model::{KeyId, ParticipantId, Scheme, Tag, Transcript};
use rand_core::{OsRng, RngCore as _, SeedableRng as _};

use super::*;
use crate::{
    Credential, NodeEntry, PersonEntry, PersonSignatureError, Quorum, SigningKey, UserVerification,
};

fn officer(credential: Credential) -> PersonEntry {
    PersonEntry {
        officer: true,
        user_verification: UserVerification::NotRequired,
        credentials: [credential].into(),
        recovery: None,
    }
}

struct People {
    root: TrustRoot,
    keys: BTreeMap<PersonName, SigningKey>,
}

fn people() -> People {
    let label = || "x".parse().unwrap();
    let node = |id: u16| NodeEntry {
        identity: SigningKey::generate(&mut OsRng).public_key(),
        tls: Digest::new([id as u8; 32]),
        operator: label(),
        region: label(),
        provider: label(),
        recovery: None,
    };
    let nodes = (1..=3).map(|id| (ParticipantId::new(id).unwrap(), node(id))).collect();
    let names = ["alice", "bob", "carol", "dan"].map(|name| name.parse::<PersonName>().unwrap());
    let keys: BTreeMap<_, _> =
        names.clone().into_iter().map(|name| (name, SigningKey::generate(&mut OsRng))).collect();
    let persons =
        keys.iter().map(|(name, key)| (name.clone(), officer(key.public_key().into()))).collect();
    let quorum = || Quorum { required: 2, members: names[..3].iter().cloned().collect() };
    let root = TrustRoot {
        lineage: None,
        created: Timestamp::ZERO,
        policy: Digest::new([8; 32]),
        threshold_floor: Threshold::new(2).unwrap(),
        unfreeze_delay_s: 3_600,
        change_delay_s: 86_400,
        nodes,
        services: BTreeMap::new(),
        persons,
        quorums: crate::QUORUMS.map(|name| (name.parse().unwrap(), quorum())).into(),
    };
    root.check().unwrap();
    People { root, keys }
}

impl People {
    fn order(&self) -> Order {
        self.generate_key(2, [1, 2, 3])
    }

    fn generate_key(&self, threshold: u32, roster: [u16; 3]) -> Order {
        self.order_to(OrderAction::GenerateKey(GenerateKey {
            key: "treasury".parse().unwrap(),
            scheme: Scheme::FrostEd25519,
            threshold: Threshold::new(threshold).unwrap(),
            roster: ParticipantSet::from_wire(roster.map(u32::from)).unwrap(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
        }))
    }

    fn order_to(&self, action: OrderAction) -> Order {
        let expires = (!action.is_stop()).then_some(Timestamp::from_millis(1_000));
        let window = Window { not_before: Timestamp::from_millis(10), expires };
        Order { cluster: self.root.hash(), id: "order-1".parse().unwrap(), action, window }
    }

    /// An order of each kind.
    fn orders(&self) -> Vec<Order> {
        let (key, digest): (KeyId, _) = ("treasury".parse().unwrap(), Digest::new([5; 32]));
        let states = states::actions().into_iter().map(|action| self.order_to(action));
        let others = [
            self.order(),
            self.order_to(OrderAction::Freeze(Scope::Key(key.clone()))),
            self.order_to(OrderAction::Unfreeze(digest)),
            self.order_to(OrderAction::Suspend(key)),
            self.order_to(OrderAction::Resume(digest)),
        ];
        others.into_iter().chain(self.documents()).chain(states).collect()
    }

    /// Orders that bring something.
    fn documents(&self) -> [Order; 2] {
        [
            self.order_to(OrderAction::ActivatePolicy(successor(Tag::Bundle))),
            self.order_to(OrderAction::UpdateRoot(successor(Tag::TrustRoot))),
        ]
    }

    fn sign(&self, order: &Order, names: &[&str]) -> SignedOrder {
        let text = order.render();
        let signatures = names
            .iter()
            .map(|name| {
                let person: PersonName = name.parse().unwrap();
                let key = &self.keys[&person];
                StatementSignature::sign(&text, Namespace::Order, person, key)
            })
            .collect();
        let document = order.action.successor().map(|_| DOCUMENT.to_owned());
        SignedOrder { text, signatures, document }
    }
}

/// What an order brings: only its hash is looked at here.
const DOCUMENT: &str = "the text of a document";

fn successor(tag: Tag) -> Successor {
    let hash = Transcript::new(tag).text(DOCUMENT).finish();
    Successor { version: 2, hash, previous: [Digest::new([6; 32])].into() }
}

#[test]
fn a_quorum_of_distinct_persons_is_needed() {
    let people = people();
    let order = people.order();
    let verify = |names: &[&str]| people.sign(&order, names).verify(&people.root);
    assert_eq!(verify(&["alice", "carol"]).unwrap().order(), &order);
    let missing = |present| Err(OrderError::QuorumMissing { quorum: "keys", present, required: 2 });
    assert_eq!(verify(&[]), missing(0));
    assert_eq!(verify(&["alice"]), missing(1));
    assert_eq!(verify(&["alice", "alice"]), missing(1));
    assert_eq!(verify(&["alice", "dan"]), missing(1), "dan is a person but no member");
}

#[test]
fn a_signature_of_somebody_else_is_refused() {
    let people = people();
    let mut signed = people.sign(&people.order(), &["alice", "bob"]);
    signed.signatures[1].person = "carol".parse().unwrap();
    let (person, reason) = ("carol".parse().unwrap(), PersonSignatureError::BadSignature);
    let bad = SignerError::Signature { person, reason };
    assert_eq!(signed.verify(&people.root), Err(bad.into()));
    let mallory: PersonName = "mallory".parse().unwrap();
    signed.signatures[1].person = mallory.clone();
    assert_eq!(signed.verify(&people.root), Err(SignerError::Unknown(mallory).into()));
}

#[test]
fn a_signature_for_another_kind_of_statement_does_not_count() {
    let people = people();
    let mut signed = people.sign(&people.order(), &["alice", "bob"]);
    let alice: PersonName = "alice".parse().unwrap();
    let key = &people.keys[&alice];
    signed.signatures[0] = StatementSignature::sign(&signed.text, Namespace::Approval, alice, key);
    assert!(matches!(signed.verify(&people.root), Err(OrderError::Signer(_))));
}

#[test]
fn a_person_with_two_credentials_counts_once_and_a_removed_one_no_more() {
    let mut people = people();
    let alice: PersonName = "alice".parse().unwrap();
    let second = SigningKey::generate(&mut OsRng);
    let entry = people.root.persons.get_mut(&alice).unwrap();
    entry.credentials.insert(second.public_key().into());
    let order = people.order();
    let mut signed = people.sign(&order, &["alice", "bob"]);
    let text = signed.text.clone();
    let other = StatementSignature::sign(&text, Namespace::Order, alice.clone(), &second);
    signed.signatures[1] = other.clone();
    assert!(matches!(
        signed.verify(&people.root),
        Err(OrderError::QuorumMissing { present: 1, .. })
    ));
    let mut signed = people.sign(&order, &["bob"]);
    signed.signatures.push(other);
    assert!(signed.verify(&people.root).is_ok());
    people.root.persons.get_mut(&alice).unwrap().credentials.remove(&second.public_key().into());
    assert!(signed.verify(&people.root).is_err());
}

#[test]
fn every_field_is_under_the_signature() {
    let people = people();
    for order in people.orders() {
        let signed = people.sign(&order, &["alice", "bob"]);
        assert_eq!(signed.verify(&people.root).unwrap().order(), &order);
        for index in 0..signed.text.len() {
            let mut bytes = signed.text.clone().into_bytes();
            bytes[index] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let changed = SignedOrder { text, ..signed.clone() };
            assert!(changed.verify(&people.root).is_err(), "byte {index}");
        }
    }
}

#[test]
fn an_order_outside_the_root_is_refused() {
    let people = people();
    let verify = |change: fn(&mut Order)| {
        let mut order = people.order();
        change(&mut order);
        people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap_err()
    };
    assert!(matches!(verify(|o| o.cluster = Digest::new([1; 32])), OrderError::OtherCluster(_)));
    const WEEK: u64 = 7 * 24 * 3600 * 1000;
    let long = verify(|o| o.window.expires = Some(Timestamp::from_millis(WEEK + 11)));
    assert_eq!(long, OrderError::BadWindow);
    assert_eq!(verify(|o| o.window.expires = None), OrderError::BadWindow);
    assert_eq!(verify(|o| o.window.expires = Some(o.window.not_before)), OrderError::BadWindow);
    let refused =
        |order: Order| people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap_err();
    let stranger = refused(people.generate_key(2, [1, 2, 9]));
    assert!(matches!(stranger, OrderError::UnknownNode(_)));
    let minority = refused(people.generate_key(4, [1, 2, 3]));
    assert!(matches!(minority, OrderError::Threshold(_)));
    let nobody = Scope::Service("nobody".parse().unwrap());
    let nobody = refused(people.order_to(OrderAction::Freeze(nobody)));
    assert!(matches!(nobody, OrderError::UnknownService(_)));
    let mut ends = people.order_to(OrderAction::Freeze(Scope::Cluster));
    ends.window.expires = Some(Timestamp::from_millis(1_000));
    assert_eq!(refused(ends), OrderError::BadWindow);
}

#[test]
fn one_officer_can_freeze_and_only_a_quorum_can_do_anything_else() {
    let mut people = people();
    people.root.persons.values_mut().for_each(|person| person.officer = false);
    people.root.persons.get_mut(&"dan".parse().unwrap()).unwrap().officer = true;
    for order in people.orders() {
        let verify = |names: &[&str]| people.sign(&order, names).verify(&people.root).map(drop);
        if let OrderAction::Freeze(_) = order.action {
            assert_eq!(verify(&["dan"]), Ok(()), "no member of any quorum, but an officer");
            assert_eq!(verify(&["alice", "bob"]), Err(OrderError::NoOfficer));
            assert_eq!(verify(&[]), Err(OrderError::NoOfficer));
        } else {
            assert!(matches!(verify(&["dan"]), Err(OrderError::QuorumMissing { .. })));
            assert!(matches!(verify(&["alice", "dan"]), Err(OrderError::QuorumMissing { .. })));
            assert_eq!(verify(&["alice", "bob"]), Ok(()));
        }
    }
}

#[test]
fn the_floor_of_the_root_holds() {
    let mut people = people();
    people.root.threshold_floor = Threshold::new(3).unwrap();
    let error = people.sign(&people.order(), &["alice", "bob"]).verify(&people.root).unwrap_err();
    assert!(matches!(error, OrderError::BelowFloor { .. }));
}

#[test]
fn an_order_is_carried_out_in_its_window_only() {
    let people = people();
    let order = people.sign(&people.order(), &["alice", "bob"]).verify(&people.root).unwrap();
    let at = |millis| order.check_time(Timestamp::from_millis(millis));
    assert!(matches!(at(9), Err(OrderError::NotYet(_))));
    assert!(at(10).is_ok() && at(999).is_ok());
    assert!(matches!(at(1_000), Err(OrderError::Expired(_))));
}

#[test]
fn mutated_statements_are_refused_or_the_same_and_never_a_panic() {
    let people = people();
    let orders = people.orders();
    let orders: Vec<_> = orders.iter().map(Order::render).collect();
    let root = people.root.render();
    let mut random = rand_chacha::ChaCha20Rng::seed_from_u64(7);
    let mut next = |bound: usize| random.next_u32() as usize % bound;
    for _ in 0..10_000 {
        for text in orders.iter().chain([&root]) {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=next(4) {
                if bytes.is_empty() {
                    break;
                }
                let at = next(bytes.len());
                match next(4) {
                    0 => bytes[at] = next(256) as u8,
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, next(256) as u8),
                    _ => bytes.truncate(at),
                }
            }
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // Whatever is accepted is its own canonical form.
            if let Ok(order) = Order::parse(&text) {
                assert_eq!(order.render(), text);
            }
            if let Ok(root) = TrustRoot::parse(&text) {
                assert_eq!(root.render(), text);
            }
        }
    }
}

#[test]
fn a_document_is_the_one_that_the_order_names() {
    let people = people();
    let with = |order: &Order, document: Option<&str>| {
        let document = document.map(str::to_owned);
        SignedOrder { document, ..people.sign(order, &["alice", "bob"]) }.verify(&people.root)
    };
    let [activate, update] = people.documents();
    for order in [&activate, &update] {
        assert!(with(order, Some(DOCUMENT)).is_ok());
        for wrong in [None, Some("the text of another document"), Some("")] {
            assert_eq!(with(order, wrong), Err(OrderError::Document), "{wrong:?}");
        }
    }
    assert_eq!(with(&people.order(), Some(DOCUMENT)), Err(OrderError::Document));
    // A bundle is no root, though the text be the same.
    let mixed = people.order_to(OrderAction::UpdateRoot(successor(Tag::Bundle)));
    assert_eq!(with(&mixed, Some(DOCUMENT)), Err(OrderError::Document));
    let large = "x".repeat(DOCUMENT_BYTES_MAX + 1);
    let hash = Transcript::new(Tag::Bundle).text(&large).finish();
    let large_order =
        people.order_to(OrderAction::ActivatePolicy(Successor { hash, ..successor(Tag::Bundle) }));
    assert_eq!(with(&large_order, Some(&large)), Err(OrderError::Document));
}

#[test]
fn a_document_follows_another() {
    let people = people();
    let first = Successor { version: 1, ..successor(Tag::Bundle) };
    let lone = Successor { previous: BTreeSet::new(), ..successor(Tag::Bundle) };
    let signed = |successor| {
        let order = people.order_to(OrderAction::ActivatePolicy(successor));
        people.sign(&order, &["alice", "bob"]).verify(&people.root)
    };
    assert_eq!(signed(first), Err(OrderError::Version));
    assert!(matches!(signed(lone), Err(OrderError::Text(_))), "there is no text for none");
}

#[test]
fn what_may_allow_more_takes_the_loosening_quorum_as_well() {
    let mut people = people();
    let order = people.order_to(OrderAction::ActivatePolicy(successor(Tag::Bundle)));
    let loosening = |people: &People| {
        let verified = people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap();
        verified.check_loosening(&people.root)
    };
    assert_eq!(loosening(&people), Ok(()));
    people.root.quorums.get_mut(&"loosening".parse().unwrap()).unwrap().required = 3;
    // The order names the cluster, whose id is the changed root's hash here.
    let order = people.order_to(OrderAction::ActivatePolicy(successor(Tag::Bundle)));
    let verified = people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap();
    let missing = OrderError::QuorumMissing { quorum: "loosening", present: 2, required: 3 };
    assert_eq!(verified.check_loosening(&people.root), Err(missing));
}

#[test]
fn an_order_lives_seven_days_and_no_longer() {
    const WEEK_MS: u64 = 604_800_000;
    let people = people();
    let lasting = |millis| {
        let mut order = people.order();
        order.window.expires = Some(order.window.not_before.plus_millis(millis));
        order.check(&people.root)
    };
    assert_eq!(lasting(WEEK_MS), Ok(()));
    assert_eq!(lasting(WEEK_MS + 1), Err(OrderError::BadWindow));
    assert_eq!(lasting(0), Err(OrderError::BadWindow));
}

#[test]
fn a_service_that_is_known_can_be_frozen_and_no_other() {
    let mut people = people();
    let key = SigningKey::generate(&mut OsRng).public_key();
    let service = crate::ServiceEntry { key, owners: BTreeSet::new() };
    people.root.services.insert("payments".parse().unwrap(), service);
    let freeze = |name: &str| {
        let scope = Scope::Service(name.parse().unwrap());
        people.order_to(OrderAction::Freeze(scope)).check(&people.root)
    };
    assert_eq!(freeze("payments"), Ok(()));
    assert_eq!(freeze("others"), Err(OrderError::UnknownService("others".parse().unwrap())));
}

#[test]
fn an_order_carries_sixteen_signatures_and_no_more() {
    let people = people();
    let signed = |names: &[&str]| people.sign(&people.order(), names).verify(&people.root);
    let many = [["alice"; SIGNATURES_MAX - 1].as_slice(), &["bob"]].concat();
    let verified = signed(&many).unwrap();
    let signers: BTreeSet<_> = ["alice", "bob"].map(|name| name.parse().unwrap()).into();
    assert_eq!(verified.signers(), &signers);
    let made = verified.key_order().unwrap();
    assert_eq!(made.generate_key().key.as_str(), "treasury");
    let more = [many.as_slice(), &["carol"]].concat();
    assert_eq!(signed(&more), Err(OrderError::TooManySignatures));
    let freeze = people.order_to(OrderAction::Freeze(Scope::Cluster));
    let freeze = people.sign(&freeze, &["alice"]).verify(&people.root).unwrap();
    assert!(freeze.key_order().is_none());
}

/// What is carried out here was verified: what one person may use up is counted.
#[test]
fn a_person_freezes_so_often_and_others_still_can() {
    let people = people();
    let freeze = |number: usize, by: &str| {
        let mut order = people.order_to(OrderAction::Freeze(Scope::Cluster));
        order.id = format!("freeze-{number}").parse().unwrap();
        people.sign(&order, &[by]).verify(&people.root).unwrap()
    };
    let mut stops = crate::Stops::default();
    let first = freeze(0, "alice");
    for number in 0..64 {
        assert_eq!(stops.carry_out(&freeze(number, "alice"), Timestamp::ZERO), Ok(true));
    }
    let spent = Err(crate::StopError::TooManyOfOne);
    assert_eq!(stops.carry_out(&freeze(64, "alice"), Timestamp::ZERO), spent);
    assert_eq!(stops.carry_out(&first, Timestamp::ZERO), Ok(false), "what was done is done");
    assert_eq!(stops.carry_out(&freeze(65, "bob"), Timestamp::ZERO), Ok(true));
    // Suspensions take a quorum, and are not counted.
    let suspend = people.order_to(OrderAction::Suspend("treasury".parse().unwrap()));
    let suspend = people.sign(&suspend, &["alice", "bob"]).verify(&people.root).unwrap();
    assert_eq!(stops.carry_out(&suspend, Timestamp::ZERO), Ok(true));
}

#[test]
fn a_lift_is_of_the_kind_of_its_stop() {
    let people = people();
    let verified = |action: OrderAction| {
        let order = people.order_to(action);
        people.sign(&order, &["alice", "bob"]).verify(&people.root).unwrap()
    };
    let key: KeyId = "treasury".parse().unwrap();
    let (freeze, suspend) = (
        verified(OrderAction::Freeze(Scope::Key(key.clone()))),
        verified(OrderAction::Suspend(key.clone())),
    );
    let mut stops = crate::Stops::default();
    let now = Timestamp::from_millis(5);
    stops.carry_out(&freeze, now).unwrap();
    assert!(!stops.suspends(&key, now), "a freeze is no suspension");
    stops.carry_out(&suspend, now).unwrap();
    assert!(stops.suspends(&key, now) && !stops.suspends(&"other".parse().unwrap(), now));
    let told: BTreeSet<_> = stops.in_force(now).map(|(_, stop)| stop.to_string()).collect();
    let said = ["frozen", "suspended"]
        .map(|verb| format!("key:treasury is {verb} by alice, bob (order-1)"));
    assert_eq!(told, said.into());
    let wrong = Err(crate::StopError::WrongLift("order-1".parse().unwrap()));
    for (lift, stop) in [
        (OrderAction::Resume(freeze.digest()), &freeze),
        (OrderAction::Unfreeze(suspend.digest()), &suspend),
    ] {
        assert_eq!(stops.carry_out(&verified(lift), now), wrong, "{:?}", stop.order().action);
    }
    for lift in [OrderAction::Unfreeze(freeze.digest()), OrderAction::Resume(suspend.digest())] {
        assert_eq!(stops.carry_out(&verified(lift), now), Ok(true));
    }
    assert_eq!(stops.in_force(now).count(), 0);
}

#[test]
fn a_scope_is_one_of_three() {
    for scope in ["cluster", "key:treasury", "service:payments"] {
        assert_eq!(scope.parse::<Scope>().unwrap().to_string(), scope);
    }
    for bad in ["", "all", "cluster:", "cluster:x", "key:", "key", "service:", "keys:treasury"] {
        assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
    }
}
