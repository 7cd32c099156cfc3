use rand_core::OsRng;

use super::*;

const CLUSTER: ClusterId = Digest::new([1; 32]);
const EFFECTS: Digest = Digest::new([2; 32]);
const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn verdict() -> RiskVerdict {
    RiskVerdict {
        cluster: CLUSTER,
        provider: "chainwatch".parse().unwrap(),
        effects: EFFECTS,
        level: "low".parse().unwrap(),
        issued: NOON,
    }
}

fn verify(
    signed: &SignedRiskVerdict,
    key: &SigningKey,
) -> Result<VerifiedRiskVerdict, RiskVerdictError> {
    signed.verify(CLUSTER, EFFECTS, Some(&key.public_key()))
}

#[test]
fn a_verdict_of_its_provider_counts() {
    let key = SigningKey::generate(&mut OsRng);
    let signed = SignedRiskVerdict::sign(verdict(), &key);
    let verified = verify(&signed, &key).unwrap();
    assert_eq!((verified.verdict(), verified.digest()), (&verdict(), signed.digest()));
}

#[test]
fn every_field_is_under_the_signature() {
    type Change = fn(&mut RiskVerdict);
    let changes: [(&str, Change); 5] = [
        ("cluster", |v| v.cluster = Digest::new([9; 32])),
        ("provider", |v| v.provider = "chainwatcher".parse().unwrap()),
        ("effects", |v| v.effects = Digest::new([9; 32])),
        ("level", |v| v.level = "high".parse().unwrap()),
        ("issued", |v| v.issued = NOON.plus_millis(1)),
    ];
    let key = SigningKey::generate(&mut OsRng);
    for (field, change) in changes {
        let mut signed = SignedRiskVerdict::sign(verdict(), &key);
        change(&mut signed.verdict);
        let provider = signed.verdict.provider.clone();
        let refused = Err(RiskVerdictError::BadSignature(provider));
        assert_eq!(verify(&signed, &key), refused, "{field}");
    }
}

#[test]
fn a_verdict_about_something_else_is_refused_although_it_is_genuine() {
    let key = SigningKey::generate(&mut OsRng);
    let other = Digest::new([9; 32]);
    let provider = verdict().provider;
    let elsewhere = RiskVerdict { cluster: other, ..verdict() };
    let refused = RiskVerdictError::OtherCluster(provider.clone(), other);
    assert_eq!(verify(&SignedRiskVerdict::sign(elsewhere, &key), &key), Err(refused));
    let of_another = RiskVerdict { effects: other, ..verdict() };
    let refused = RiskVerdictError::OtherEffects(provider, other, EFFECTS);
    assert_eq!(verify(&SignedRiskVerdict::sign(of_another, &key), &key), Err(refused));
}

#[test]
fn only_the_key_of_the_provider_signs_for_it() {
    let (key, other) = (SigningKey::generate(&mut OsRng), SigningKey::generate(&mut OsRng));
    let signed = SignedRiskVerdict::sign(verdict(), &key);
    let provider = verdict().provider;
    assert_eq!(verify(&signed, &other), Err(RiskVerdictError::BadSignature(provider.clone())));
    let unknown = signed.verify(CLUSTER, EFFECTS, None);
    assert_eq!(unknown, Err(RiskVerdictError::UnknownProvider(provider)));
    // The same words under another domain are another statement.
    let digest = Transcript::new(Tag::SignRequest).value(&verdict()).finish();
    let elsewhere = SignedRiskVerdict { verdict: verdict(), signature: key.sign(&digest) };
    assert!(verify(&elsewhere, &key).is_err());
}

#[test]
fn a_verdict_from_the_future_does_not_count() {
    let key = SigningKey::generate(&mut OsRng);
    let verified = verify(&SignedRiskVerdict::sign(verdict(), &key), &key).unwrap();
    let at = |millis| verified.check_time(Timestamp::from_millis(millis), 10);
    assert_eq!(at(NOON.millis() + 1_000_000), Ok(()));
    assert_eq!(at(NOON.millis() - 10), Ok(()));
    let refused = RiskVerdictError::FromTheFuture(verdict().provider, NOON);
    assert_eq!(at(NOON.millis() - 11), Err(refused));
}

/// What a provider in any language has to sign, computed by another program: SHA-256 of the tag and the
/// fields, each with its length in eight bytes before it, and of the time in eight bytes.
#[test]
fn the_digest_is_what_the_reference_says() {
    let expected = "2aef1efd70eacf0f42fd74380b92b14e9c838413f7e12f02820c834cb5b55b96";
    assert_eq!(digest(&verdict()).to_string(), expected);
}
