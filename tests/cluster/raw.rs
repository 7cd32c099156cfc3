//! Raw digests: only for keys that were made for them, and only where a rule names them.

use crate::lab::Lab;

const DIGEST: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// A policy that lets the service sign raw digests with any key: too much, if it were all there is.
fn with_a_rule(text: String) -> String {
    let rule = "@id(\"p09-raw\") @title(\"Raw digests\")\n\
                permit (principal in Custody::Group::\"withdrawals\", \
                action == Custody::Action::\"raw_digest\", resource);\n'''\n\n[groups";
    text.replacen("'''\n\n[groups", rule, 1)
}

#[tokio::test]
async fn a_raw_digest_is_signed_by_a_key_that_was_made_for_it_where_a_rule_allows_it() {
    let mut lab = Lab::new().await;
    let key = lab.create_key("raw", "frost-ed25519", &["--raw-ok"]).await;
    assert_eq!((key.code, &key.json["raw_ok"]), (0, &true.into()), "{key:?}");
    assert_eq!(lab.run(&["key", "show", "sol"]).await.json["raw_ok"], false);

    let denied = lab.run(&["sign", "raw", "--digest", DIGEST]).await;
    assert_eq!(denied.code, 3, "no rule names the action: {denied:?}");

    lab.activate_policy(with_a_rule).await;
    let signed = lab.run(&["sign", "raw", "--digest", DIGEST]).await;
    assert_eq!((signed.code, &signed.json["payload_format"]), (0, &"raw-digest".into()));
    assert_eq!(signed.json["signing_messages"][0], DIGEST);
    let effect = &signed.json["intent"]["effects"][0];
    assert_eq!(effect["kind"], "raw_digest", "{signed:?}");
    assert_eq!(effect["destination"], format!("digest:{DIGEST}"));

    let denied = lab.run(&["sign", "sol", "--digest", DIGEST]).await;
    assert_eq!(denied.code, 3, "{denied:?}");
    assert!(format!("{denied:?}").contains("the key signs no raw digests"), "{denied:?}");
    for bad in ["5a", &DIGEST.to_uppercase()] {
        assert_eq!(lab.run(&["sign", "raw", "--digest", bad]).await.code, 2);
    }
    lab.cluster.stop().await;
}
