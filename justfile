# `just` lists the recipes. `just ci` never changes a tracked file; `just fix` does.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# Is everything formatted?
fmt:
    cargo fmt --all --check

# Compiler and clippy, warnings refused.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# All tests. Minutes.
test:
    cargo test --workspace

# Only the deterministic simulation of a whole cluster.
sim:
    cargo test --package quorate-tests --test simulation

# Which crate may depend on which.
layers:
    cargo xtask layers

# File sizes, file names, banned words.
tidy:
    cargo xtask tidy

# Licences, bans, sources and known vulnerabilities. Fetches the advisory database.
deny:
    cargo deny --locked check

# Documentation of the pure crates, warnings refused.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --locked \
        --package quorate-model --package quorate-trust --package quorate-protocol \
        --package quorate-intent --package quorate-policy --package quorate-audit \
        --package quorate-signer --package quorate-coordinator

# A 2-of-3 cluster of real processes that makes keys, signs, refuses, and survives a lost node.
demo:
    cargo run --release --bin quorate -- demo

# An EVM node takes a signed transaction of every type. Needs `anvil` on PATH (npm: @foundry-rs/anvil).
evm-node:
    cargo build --release --bin quorate
    PYTHONDONTWRITEBYTECODE=1 python3 tests/e2e/evm_types.py "${CARGO_TARGET_DIR:-target}/release/quorate" anvil

# Long: every benchmark, release build. Name the CPU beside any number you quote.
bench:
    cargo bench --package quorate-benches

# Long: what so many ECDSA keys cost a cluster, made by real key generations. 1000 take about an hour.
bench-keys keys="1000":
    QUORATE_BENCH_KEYS={{ keys }} cargo bench --package quorate-benches --bench keys

# Long: what signing notices while so many keys get new shares. SCHEME is frost-ed25519 or ecdsa-secp256k1.
bench-rotation keys="200" scheme="frost-ed25519":
    QUORATE_BENCH_KEYS={{ keys }} QUORATE_BENCH_SCHEME={{ scheme }} \
        cargo bench --package quorate-benches --bench rotation

# Long: every property test with this many cases (default of a test run: 256).
fuzz cases="20000":
    PROPTEST_CASES={{ cases }} cargo test --workspace --release

# Long: every fault of every field of an ECDSA key generation. A test run tries a sample.
faults:
    cargo test --release --package quorate-protocol --lib ecdsa::tests -- --ignored --nocapture

# Long: the gate against the reference evaluator, on so many decisions. CI tries ten thousand.
differential decisions="1000000":
    PROPTEST_CASES={{ decisions }} cargo test --release --package quorate-policy --lib \
        properties::the_gate_decides_as_the_reference_does

# Long: the EVM decoder against a second one, on so many mutations of each type. A test run tries 1000.
differential-evm mutations="100000":
    PROPTEST_CASES={{ mutations }} cargo test --release --package quorate-intent --lib \
        differential::a_second_decoder_agrees

# Long: what no test notices when it is changed (https://mutants.rs). Needs cargo-mutants.
mutants package="quorate-trust":
    cargo mutants --package {{ package }} --jobs 2 --timeout 60 -- --lib

# Long: one libFuzzer target for so many seconds (docs/how-to/fuzz.md). Needs cargo-fuzz.
fuzz-decoder target seconds="60":
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{ target }} -- -max_total_time={{ seconds }}

# Long: what CI runs, all of it.
ci:
    .ci/run

# Format, and let clippy mend what it can. The only recipe that changes the code.
fix:
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
    cargo fmt --all
