use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(line.split_whitespace())
}

fn refused(line: &str) -> ErrorKind {
    let error = parse(line).err().unwrap_or_else(|| clap::Error::new(ErrorKind::DisplayHelp));
    assert_eq!(error.exit_code(), 2, "{line}: {error}");
    error.kind()
}

#[test]
fn the_definition_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn defaults_are_what_the_documentation_says() {
    let args = parse("quorate demo").unwrap();
    let Command::Demo(size) = args.command else { unreachable!() };
    assert_eq!((size.nodes, size.threshold.get()), (3, 2));
    let args = parse("quorate sign btc --psbt a.psbt").unwrap();
    let Command::Sign(sign) = args.command else { unreachable!() };
    assert_eq!((sign.wait.as_secs(), sign.transaction.expires.as_secs()), (30, 600));
    assert!(sign.transaction.path.is_root());
}

#[test]
fn global_options_stand_anywhere() {
    for line in ["quorate -o json --dir d status", "quorate status --dir d -o json"] {
        let args = parse(line).unwrap();
        assert_eq!(args.global.output, Format::Json, "{line}");
        assert_eq!(args.global.dir, Some(PathBuf::from("d")), "{line}");
    }
}

#[test]
fn a_transaction_has_exactly_one_payload() {
    assert_eq!(refused("quorate sign btc"), ErrorKind::MissingRequiredArgument);
    let both = "quorate sign btc --psbt a --solana-message b";
    assert_eq!(refused(both), ErrorKind::ArgumentConflict);
    let both = "quorate sign btc --psbt a --pay x --amount 1";
    assert_eq!(refused(both), ErrorKind::ArgumentConflict);
    assert_eq!(refused("quorate sign btc --pay x"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refused("quorate sign btc --psbt a --fee 1"), ErrorKind::MissingRequiredArgument);
    let line = "quorate sign btc --pay x --amount 1 --coin ab:0:5 --coin cd:1:6 --fee 2";
    let Command::Sign(sign) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!(sign.transaction.coins.len(), 2);
}

#[test]
fn an_evm_chain_is_any_and_its_payloads_have_flags() {
    for payload in ["--evm f", "--typed-data f", "--message hello", "--authorization f"] {
        let line = format!("quorate sign eth --network eip155:8453 {payload}");
        let Command::Sign(sign) = parse(&line).unwrap().command else { unreachable!() };
        assert_eq!(sign.transaction.network.unwrap().to_string(), "eip155:8453");
        let both = format!("{line} --psbt a");
        assert_eq!(refused(&both), ErrorKind::ArgumentConflict);
    }
    // More wei than 64 bits hold.
    let line = "quorate sign eth --pay 0x1 --amount 100000000000000000000 --nonce 7 --gas 21000 \
                --max-fee 30000000000 --network ethereum";
    let Command::Sign(sign) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!(sign.transaction.amount, Some(100_000_000_000_000_000_000));
}

#[test]
fn values_are_checked_where_they_are_read() {
    for line in [
        "quorate demo --nodes 1",
        "quorate demo --nodes 17",
        "quorate demo --threshold 1",
        "quorate join node --id 0",
        "quorate join service --name Payments",
        "quorate join accept --welcome w --cluster 12",
        "quorate key create btc --scheme rsa --threshold 2 --officer-key k",
        "quorate sign btc --psbt a --wait soon",
        "quorate sign btc --psbt a --network moon",
        "quorate sign btc --psbt a --request-id 1",
        "quorate sign btc --psbt a --path m/0'",
        "quorate sign btc --psbt a --path 0/7",
        "quorate key address btc --path m/2147483648",
        "quorate init --join a --quorum keys",
    ] {
        assert_eq!(refused(line), ErrorKind::ValueValidation, "{line}");
    }
}

#[test]
fn what_is_required_is_asked_for() {
    for line in [
        "quorate init",
        "quorate node",
        "quorate join coordinator --name main",
        "quorate key create btc --scheme frost-ed25519 --threshold 2",
    ] {
        assert_eq!(refused(line), ErrorKind::MissingRequiredArgument, "{line}");
    }
}

#[test]
fn rosters_and_networks_are_read() {
    let line = "quorate key create btc --scheme frost-ed25519 --threshold 2 --nodes 1,3 \
                --officer-key a --officer-key b";
    let Command::Key(Key::Create(create)) = parse(line).unwrap().command else { unreachable!() };
    assert_eq!((create.nodes.len(), create.officer_keys.len()), (2, 2));
    let line = "quorate policy simulate sol --solana-message m --network solana-devnet";
    let Command::Policy(Policy::Simulate(transaction)) = parse(line).unwrap().command else {
        unreachable!()
    };
    assert_eq!(transaction.network, Some(Network::SolanaDevnet));
}

#[test]
fn policies_are_read_from_files() {
    let line = "quorate policy init --example otc-desk --out a.toml";
    let Command::Policy(Policy::Init { example, .. }) = parse(line).unwrap().command else {
        unreachable!()
    };
    assert_eq!(example, Some(Example::OtcDesk));
    for (line, kind) in [
        ("quorate policy init", ErrorKind::MissingRequiredArgument),
        ("quorate policy init --example bank --out a", ErrorKind::InvalidValue),
        ("quorate policy diff a", ErrorKind::MissingRequiredArgument),
        ("quorate policy explain a", ErrorKind::MissingRequiredArgument),
    ] {
        assert_eq!(refused(line), kind, "{line}");
    }
    assert!(parse("quorate policy test a --allow-none").is_ok());
}
