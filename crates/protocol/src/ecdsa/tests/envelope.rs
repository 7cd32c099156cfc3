//! A node that says something else than it should in the messages that are ours, field by field: round
//! 0, what is around the library's messages, and the parts of a signature.

use quorate_model::{Digest, Heads};

use super::faults::{cheater, victim};
use super::*;
use crate::AbortReason;
use crate::sign::Offer;

/// What is false, and to what it leads at an honest node: why it aborts, and whether that convicts.
struct Case<T: ?Sized> {
    what: &'static str,
    change: Box<T>,
    reason: AbortReason,
    proven: bool,
}

fn case<T: ?Sized>(what: &'static str, change: Box<T>, reason: AbortReason) -> Case<T> {
    Case { what, change, reason, proven: false }
}

fn proof<T: ?Sized>(what: &'static str, change: Box<T>, reason: AbortReason) -> Case<T> {
    Case { what, change, reason, proven: true }
}

impl<T: ?Sized> Case<T> {
    fn check<D>(&self, ended: Result<D, Abort>) {
        let abort = ended.err().unwrap_or_else(|| panic!("{}: went through", self.what));
        let expected = if self.proven {
            Abort::proven(self.reason.clone(), cheater())
        } else {
            Abort::unproven(self.reason.clone())
        };
        assert_eq!(abort, expected, "{}", self.what);
    }
}

const fn other(digest: Digest) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[17] ^= 1;
    Digest::new(bytes)
}

fn zero() -> Digest {
    Digest::new([0; 32])
}

type OfAnnouncement = dyn Fn(&mut Announcement, &Announcement);

/// With what another announced. Lengths are fixed by the types.
fn announcements() -> Vec<Case<OfAnnouncement>> {
    let of_another_session = || AbortReason::OtherSession(cheater());
    let case = |what, change: Box<OfAnnouncement>| case(what, change, of_another_session());
    vec![
        case("order flipped", Box::new(|a, _| a.order = other(a.order))),
        case("order zero", Box::new(|a, _| a.order = zero())),
        case("attempt zero", Box::new(|a, _| a.attempt = Attempt(0))),
        case("attempt of another", Box::new(|a, _| a.attempt = Attempt(2))),
        // Any nonce will do, but then it has to be everybody's session.
        case("nonce flipped", Box::new(|a, _| a.nonce[3] ^= 1)),
        case("nonce zero", Box::new(|a, _| a.nonce = [0; 32])),
        case("nonce of another", Box::new(|a, another| a.nonce = another.nonce)),
        case("ephemeral flipped", Box::new(|a, _| a.ephemeral[3] ^= 1)),
        case("ephemeral of another", Box::new(|a, another| a.ephemeral = another.ephemeral)),
        proof(
            "ephemeral zero",
            Box::new(|a, _| a.ephemeral = [0; 32]),
            AbortReason::DegenerateKey(cheater()),
        ),
    ]
}

#[test]
fn no_field_of_an_announcement_makes_a_key() {
    let fixture = Fixture::new(3);
    // A field more has to be above.
    let every = |Announcement { order: _, attempt: _, nonce: _, ephemeral: _ }: &Announcement| {};
    for case in announcements() {
        let announces = &|shown: &mut Outbox<Announcement>| {
            let another = shown[&id(2)].clone();
            every(&another);
            (case.change)(shown.get_mut(&cheater()).unwrap(), &another);
        };
        let mut ended = generate(&fixture, &Doing { announces, ..Doing::honest() });
        for honest in [victim(), id(2)] {
            case.check(ended.remove(&honest).unwrap());
        }
    }
    let announces = &|shown: &mut Outbox<Announcement>| shown.retain(|from, _| *from != cheater());
    let mut ended = generate(&fixture, &Doing { announces, ..Doing::honest() });
    case("omitted", Box::new(()), AbortReason::Missing(cheater()))
        .check(ended.remove(&victim()).unwrap());
}

type OfReserve = dyn Fn(&mut ReserveAnswer, &ReserveAnswer);

fn offer_of(answer: &mut ReserveAnswer) -> &mut Offer {
    answer.offer.as_mut().unwrap()
}

fn reserve_answers() -> Vec<Case<OfReserve>> {
    let from = cheater();
    let context = || AbortReason::ContextMismatch(from);
    let session = || AbortReason::OtherSession(from);
    let offer = || AbortReason::Malformed { from, what: "offer of an ephemeral key" };
    let case = |what, change: Box<OfReserve>, reason: AbortReason| case(what, change, reason);
    vec![
        case("context flipped", Box::new(|a, _| a.context = other(a.context)), context()),
        case("context zero", Box::new(|a, _| a.context = zero()), context()),
        proof("a commitment", Box::new(|a, _| a.commitments.push([vec![], vec![]])), offer()),
        proof("offer omitted", Box::new(|a, _| a.offer = None), offer()),
        case("nonce flipped", Box::new(|a, _| offer_of(a).nonce[3] ^= 1), session()),
        case("nonce zero", Box::new(|a, _| offer_of(a).nonce = [0; 32]), session()),
        case(
            "offer of another",
            Box::new(|a, another| a.offer.clone_from(&another.offer)),
            session(),
        ),
        case("ephemeral flipped", Box::new(|a, _| offer_of(a).ephemeral[3] ^= 1), session()),
        proof(
            "ephemeral zero",
            Box::new(|a, _| offer_of(a).ephemeral = [0; 32]),
            AbortReason::DegenerateKey(from),
        ),
        case("root", Box::new(|a, _| a.heads.root = other(a.heads.root)), session()),
        case("bundle", Box::new(|a, _| a.heads.bundle = zero()), session()),
        case("orders", Box::new(|a, _| a.heads.orders = other(a.heads.orders)), session()),
        case("life", Box::new(|a, _| a.heads.life += 1), session()),
        case("audit", Box::new(|a, _| a.heads.audit = zero()), session()),
        case("audit length", Box::new(|a, _| a.heads.audit_length = 0), session()),
        case("clock", Box::new(|a, _| a.heads.clock = quorate_model::Timestamp::ZERO), session()),
    ]
}

#[test]
fn no_field_of_a_reserve_answer_makes_a_signature() {
    let key = key();
    let context = context(key, [1, 3], vec![vec![7; 32]]);
    // A field more has to be above.
    let every = |answer: &ReserveAnswer| {
        let ReserveAnswer { context: _, commitments: _, offer, heads } = answer;
        let Offer { nonce: _, ephemeral: _ } = offer.as_ref().unwrap();
        let Heads { root: _, bundle: _, orders: _, life: _, audit: _, audit_length: _, clock: _ } =
            heads;
    };
    for case in reserve_answers() {
        let reserves = &|shown: &mut Outbox<ReserveAnswer>| {
            let another = shown[&victim()].clone();
            every(&another);
            (case.change)(shown.get_mut(&cheater()).unwrap(), &another);
        };
        let doing = Doing { reserves, ..Doing::honest() };
        let (_, mut ended) = sign(&key.fixture, &key.shares, &context, &doing);
        case.check(ended.remove(&victim()).unwrap());
    }
}

type OfMessage = dyn Fn(&mut ExchangeMessage, &mut Vec<SealedPart>);

/// Puts something else into the sealed part for the victim, and names what it put there.
fn reseal(change: impl Fn(&mut Vec<u8>) + 'static) -> Box<OfMessage> {
    Box::new(move |message, parts| {
        let part = parts.iter_mut().find(|part| part.to == victim()).unwrap();
        change(&mut part.sealed);
        message.sealed.insert(victim(), part.digest());
    })
}

fn messages() -> Vec<Case<OfMessage>> {
    let from = cheater();
    let session = || AbortReason::OtherSession(from);
    let echo = || AbortReason::EchoMismatch(from);
    let list = || AbortReason::Malformed { from, what: "list of sealed parts" };
    let relay = || AbortReason::Relay(from);
    let sealed = || AbortReason::SealedShare(from);
    let digest = |change: fn(Digest) -> Digest| -> Box<OfMessage> {
        Box::new(move |message, _| {
            let digest = message.sealed.get_mut(&victim()).unwrap();
            *digest = change(*digest);
        })
    };
    let case = |what, change: Box<OfMessage>, reason: AbortReason| case(what, change, reason);
    vec![
        case("session flipped", Box::new(|m, _| m.session = other(m.session)), session()),
        case("session zero", Box::new(|m, _| m.session = zero()), session()),
        case("round zero", Box::new(|m, _| m.round = 0), session()),
        case("the next round", Box::new(|m, _| m.round += 1), session()),
        case("seen flipped", Box::new(|m, _| m.seen = other(m.seen)), echo()),
        case("seen zero", Box::new(|m, _| m.seen = zero()), echo()),
        proof("a part omitted", Box::new(|m, _| m.sealed.retain(|to, _| *to != victim())), list()),
        proof("no parts", Box::new(|m, _| m.sealed.clear()), list()),
        proof("a part more", Box::new(|m, _| m.sealed.extend([(id(9), zero())])), list()),
        // It looks as if the relay had done it.
        case("digest flipped", digest(other), relay()),
        case("digest zero", digest(|_| zero()), relay()),
        case("a part kept back", Box::new(|_, parts| parts.retain(|p| p.to != victim())), relay()),
        case("a part for another", Box::new(|_, parts| parts[0].to = id(9)), relay()),
        case("sealed flipped", reseal(|bytes| bytes[11] ^= 1), sealed()),
        case("sealed zero", reseal(|bytes| bytes.fill(0)), sealed()),
        case("sealed empty", reseal(Vec::clear), sealed()),
        case("sealed shorter", reseal(|bytes| bytes.truncate(bytes.len() - 1)), sealed()),
        case("sealed longer", reseal(|bytes| bytes.push(0)), sealed()),
    ]
}

/// Of a signing, in which the pieces of several messages are one broadcast.
fn broadcasts() -> Vec<Case<OfMessage>> {
    let pieces = || AbortReason::Malformed { from: cheater(), what: "pieces of a message" };
    let case = |what, change: Box<OfMessage>| case(what, change, pieces());
    vec![
        case("broadcast omitted", Box::new(|m, _| m.broadcast.clear())),
        case("broadcast flipped", Box::new(|m, _| m.broadcast[3] ^= 1)),
        case("broadcast shorter", Box::new(|m, _| m.broadcast.truncate(3))),
        case("broadcast longer", Box::new(|m, _| m.broadcast.push(0))),
    ]
}

fn says(
    case: &Case<OfMessage>,
    now: u8,
) -> impl Fn(ParticipantId, &mut ExchangeMessage, &mut Vec<SealedPart>) {
    // A field more has to be above.
    let every = |message: &ExchangeMessage, parts: &[SealedPart]| {
        let ExchangeMessage { session: _, round: _, seen: _, broadcast: _, sealed: _ } = message;
        parts.iter().for_each(|SealedPart { to: _, sealed: _ }| {});
    };
    move |from, message, parts| {
        if from == cheater() && message.round == now {
            every(message, parts);
            (case.change)(message, parts);
        }
    }
}

#[test]
fn no_field_around_the_messages_of_a_signing_makes_a_signature() {
    let key = key();
    let context = context(key, [1, 3], vec![vec![7; 32]]);
    for case in messages().into_iter().chain(broadcasts()) {
        for round in 1..=2 {
            let says = &says(&case, round);
            let doing = Doing { says, ..Doing::honest() };
            let (_, mut ended) = sign(&key.fixture, &key.shares, &context, &doing);
            case.check(ended.remove(&victim()).unwrap());
        }
    }
}

fn try_key_generation(round: u8) {
    let fixture = Fixture::new(3);
    for case in messages() {
        let says = &says(&case, round);
        let mut ended = generate(&fixture, &Doing { says, ..Doing::honest() });
        case.check(ended.remove(&victim()).unwrap());
    }
}

#[test]
fn no_field_around_the_first_messages_of_a_key_generation_makes_a_key() {
    try_key_generation(1);
}

#[test]
#[ignore = "minutes: `just faults`"]
fn no_field_around_any_message_of_a_key_generation_makes_a_key() {
    (1..=3).for_each(try_key_generation);
}

type OfShares = dyn Fn(&mut ShareAnswer, &ShareAnswer);

/// Changes `r`, `u` or `w` of a part: 32 bytes from `at`.
fn part(at: usize, change: impl Fn(&mut [u8], &[u8]) + 'static) -> Box<OfShares> {
    Box::new(move |answer, another| {
        change(&mut answer.shares[0][at..at + 32], &another.shares[0][at..at + 32]);
    })
}

fn share_answers(earlier: &ShareAnswer) -> Vec<Case<OfShares>> {
    let from = cheater();
    let context = || AbortReason::ContextMismatch(from);
    let package = || AbortReason::PackageMismatch(from);
    let count = |found| AbortReason::Count { from, found, expected: 1 };
    let malformed = || AbortReason::Malformed { from, what: "signature share" };
    let case = |what, change: Box<OfShares>, reason: AbortReason| case(what, change, reason);
    let earlier_package = earlier.package;
    let mut cases = vec![
        case("context flipped", Box::new(|a, _| a.context = other(a.context)), context()),
        case("context zero", Box::new(|a, _| a.context = zero()), context()),
        case("package flipped", Box::new(|a, _| a.package = other(a.package)), package()),
        case("package zero", Box::new(|a, _| a.package = zero()), package()),
        case("package before", Box::new(move |a, _| a.package = earlier_package), package()),
        proof("no part", Box::new(|a, _| a.shares.clear()), count(0)),
        proof("a part more", Box::new(|a, _| a.shares.push(vec![0; 96])), count(2)),
        proof("part empty", Box::new(|a, _| a.shares[0].clear()), malformed()),
        proof("part shorter", Box::new(|a, _| a.shares[0].truncate(95)), malformed()),
        proof("part longer", Box::new(|a, _| a.shares[0].push(0)), malformed()),
        proof("no r", Box::new(|a, _| drop(a.shares[0].drain(..32))), malformed()),
    ];
    for (name, at) in [("r", 0), ("u", 32), ("w", 64)] {
        let before: Vec<u8> = earlier.shares[0][at..at + 32].to_vec();
        let mut changes = vec![
            part(at, |bytes, _| bytes[17] ^= 1),
            part(at, |bytes, _| bytes.fill(0)),
            part(at, |bytes, _| bytes.fill(255)),
            part(at, move |bytes, _| bytes.copy_from_slice(&before)),
        ];
        if name != "r" {
            changes.push(part(at, |bytes, another| bytes.copy_from_slice(another)));
        }
        let of_part = |change| case(name, change, AbortReason::Combination);
        cases.extend(changes.into_iter().map(of_part));
    }
    cases
}

/// Nobody is convicted of a part that is one and false: it does not show whose it was.
#[test]
fn no_field_of_a_share_answer_makes_a_signature() {
    let key = key();
    let group = AnyGroupInfo::new(&key.shares[&victim()].0).unwrap();
    let context = context(key, [1, 3], vec![vec![7; 32]]);
    let honest = || {
        let (answers, parts) = sign(&key.fixture, &key.shares, &context, &Doing::honest());
        let parts = parts.into_iter().map(|(id, part)| (id, part.unwrap()));
        (answers, parts.collect::<Outbox<ShareAnswer>>())
    };
    let (_, earlier) = honest();
    let (answers, parts) = honest();
    for case in share_answers(&earlier[&cheater()]) {
        let mut shown = parts.clone();
        let another = &parts[&victim()];
        // A field more has to be above.
        let ShareAnswer { context: _, package: _, shares: _ } = another;
        (case.change)(shown.get_mut(&cheater()).unwrap(), another);
        let (answers, shown) = (key.fixture.deliver(&answers), key.fixture.deliver(&shown));
        case.check(group.aggregate(&context, answers, shown));
    }
}
