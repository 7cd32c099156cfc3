//! Children of a key, from the command line to the nodes and back.

use crate::lab::{BTC_PAYEE, Lab, SOL_PAYEE};

#[tokio::test]
async fn a_child_has_a_proven_address_and_pays_from_it() {
    let mut lab = Lab::new().await;
    let file = lab.dir.path().join("address.json");
    let path = file.to_str().unwrap();
    let shown = lab.run(&["key", "address", "btc", "--path", "m/0/7", "--proof", path]).await;
    assert_eq!((shown.code, &shown.json["schema"]), (0, &"quorate.address/v1".into()), "{shown:?}");
    let address = shown.json["addresses"]["bitcoin-regtest"].as_str().unwrap();
    let root = lab.run(&["key", "show", "btc"]).await;
    assert_ne!(root.json["addresses"]["bitcoin-regtest"], address);

    let paid = lab.pay(50_000, &["--path", "m/0/7"]).await;
    assert_eq!((paid.code, &paid.json["path"]), (0, &"m/0/7".into()), "{paid:?}");
    assert_eq!(paid.json["address"], address);
    assert_eq!(paid.json["public_key"], shown.json["public_key"]);
    assert_eq!(paid.json["intent"]["effects"][0]["destination"], BTC_PAYEE);
    let request = lab.run(&["request", "show", paid.json["name"].as_str().unwrap()]).await;
    assert_eq!(request.json["path"], "m/0/7");

    // What the child pays is not the key's own to pay: the coins are the child's.
    let psbt = lab.dir.path().join("child.psbt");
    std::fs::write(&psbt, paid.json["payload"].as_str().unwrap()).unwrap();
    let args = ["sign", "btc", "--psbt", psbt.to_str().unwrap()];
    for path in ["m", "m/0/8"] {
        let refused = lab.run(&[args.as_slice(), &["--path", path]].concat()).await;
        assert_eq!(refused.code, 1, "{refused:?}");
    }
    let signed = lab.run(&[args.as_slice(), &["--path", "m/0/7"]].concat()).await;
    assert_eq!(signed.code, 0, "{signed:?}");

    lab.cluster.stop().await;
    let verified = lab.run(&["key", "verify", path]).await;
    assert_eq!((verified.code, &verified.json), (0, &shown.json), "{verified:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("m/0/7", "m/0/8")).unwrap();
    let refused = lab.run(&["key", "verify", path]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[tokio::test]
async fn a_solana_key_has_no_children_and_says_why() {
    let mut lab = Lab::new().await;
    let pay = ["sign", "sol", "--pay", SOL_PAYEE, "--amount", "1", "--path", "m/0"];
    let more = ["--blockhash", "11111111111111111111111111111111"];
    for args in [[pay.as_slice(), &more].concat(), vec!["key", "address", "sol", "--path", "m/0"]] {
        let refused = lab.run(&args).await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(format!("{refused:?}").contains("SLIP-10"), "{refused:?}");
    }
    lab.cluster.stop().await;
}
