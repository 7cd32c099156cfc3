use super::graph::{Graph, HandWritten as Row, Kind};
use super::table::PURE;
use super::violations;

fn lines(packages: &[Row<'_>]) -> Vec<String> {
    violations(&Graph::by_hand(packages)).iter().map(ToString::to_string).collect()
}

/// Asserts one line, and that it contains every fragment.
fn assert_one_line(packages: &[Row<'_>], fragments: &[&str]) {
    let lines = lines(packages);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for fragment in fragments {
        assert!(lines[0].contains(fragment), "{fragment:?} is not in {:?}", lines[0]);
    }
}

#[test]
fn arrows_that_point_down_are_allowed() {
    let packages: &[Row<'_>] = &[
        ("quorate-model", true, &[(Kind::Normal, "sha2")]),
        ("quorate-trust", true, &[(Kind::Normal, "quorate-model")]),
        ("quorate-api", true, &[(Kind::Normal, "quorate-signer"), (Kind::Normal, "prost")]),
        ("quorate-signer", true, &[(Kind::Normal, "quorate-trust")]),
        ("quorate-store", true, &[(Kind::Normal, "sled"), (Kind::Normal, "quorate-model")]),
        ("quorate-daemon", true, &[(Kind::Normal, "quorate-store"), (Kind::Normal, "tokio")]),
        ("quorate-testkit", true, &[(Kind::Normal, "quorate-daemon")]),
        ("quorate-tests", true, &[(Kind::Development, "quorate-testkit")]),
        ("sha2", false, &[]),
        ("prost", false, &[]),
        ("sled", false, &[]),
        ("tokio", false, &[(Kind::Normal, "tracing")]),
        ("tracing", false, &[]),
    ];
    assert_eq!(lines(packages), Vec::<String>::new());
}

#[test]
fn a_crate_in_no_layer_is_refused_and_the_message_says_where_to_add_it() {
    assert_one_line(&[("quorate-lifecycle", true, &[])], &["quorate-lifecycle", "table.rs"]);
}

#[test]
fn an_arrow_that_points_up_is_refused() {
    let packages: &[Row<'_>] = &[
        ("quorate-model", true, &[(Kind::Normal, "quorate-trust")]),
        ("quorate-trust", true, &[]),
    ];
    assert_one_line(packages, &["quorate-model -> quorate-trust", "may use none"]);
}

#[test]
fn the_coordinator_cannot_name_the_signer_or_the_gate() {
    for forbidden in ["quorate-signer", "quorate-policy"] {
        let packages: &[Row<'_>] =
            &[("quorate-coordinator", true, &[(Kind::Normal, forbidden)]), (forbidden, true, &[])];
        assert_one_line(packages, &[&format!("quorate-coordinator -> {forbidden}")]);
    }
}

#[test]
fn build_dependencies_are_arrows_too() {
    let packages: &[Row<'_>] =
        &[("quorate-model", true, &[(Kind::Build, "xtask")]), ("xtask", true, &[])];
    assert_one_line(packages, &["quorate-model -> xtask"]);
}

#[test]
fn adapters_do_not_meet_beside_the_table() {
    let packages: &[Row<'_>] =
        &[("quorate-net", true, &[(Kind::Normal, "quorate-store")]), ("quorate-store", true, &[])];
    assert_one_line(packages, &["quorate-net -> quorate-store"]);
}

#[test]
fn a_pure_crate_that_reaches_a_runtime_is_refused_with_the_path() {
    for forbidden in ["tokio", "tonic", "prost", "sled"] {
        let packages: &[Row<'_>] = &[
            ("quorate-intent", true, &[(Kind::Normal, "decoder")]),
            ("decoder", false, &[(Kind::Normal, "plumbing")]),
            ("plumbing", false, &[(Kind::Normal, forbidden)]),
            (forbidden, false, &[]),
        ];
        assert_one_line(
            packages,
            &[&format!("quorate-intent -> decoder -> plumbing -> {forbidden}")],
        );
    }
}

#[test]
fn what_a_dependency_only_builds_or_tests_with_is_not_reached() {
    let packages: &[Row<'_>] = &[
        ("quorate-intent", true, &[(Kind::Normal, "decoder"), (Kind::Development, "tokio")]),
        ("decoder", false, &[(Kind::Build, "tokio"), (Kind::Development, "tokio")]),
        ("tokio", false, &[]),
    ];
    assert_eq!(lines(packages), Vec::<String>::new());
}

#[test]
fn a_pure_crate_may_not_log_but_its_dependency_may() {
    let logging = ("tracing", false, &[][..]);
    let packages: &[Row<'_>] = &[("quorate-audit", true, &[(Kind::Normal, "tracing")]), logging];
    assert_one_line(packages, &["quorate-audit -> tracing", "does not log"]);

    let packages: &[Row<'_>] = &[
        ("quorate-audit", true, &[(Kind::Normal, "codec")]),
        ("codec", false, &[(Kind::Normal, "tracing")]),
        logging,
    ];
    assert_eq!(lines(packages), Vec::<String>::new());
}

#[test]
fn only_the_owner_names_what_has_one_in_any_kind_of_dependency() {
    let owners = [
        ("sled", "quorate-store"),
        ("cryptoki", "quorate-store"),
        ("cedar-policy", "quorate-policy"),
    ];
    for (owned, owner) in owners {
        for kind in [Kind::Normal, Kind::Build, Kind::Development] {
            let packages: &[Row<'_>] =
                &[("quorate-daemon", true, &[(kind, owned)]), (owned, false, &[])];
            assert_one_line(packages, &[&format!("quorate-daemon -> {owned}"), owner]);
        }
    }
}

#[test]
fn the_test_kit_is_a_development_dependency_of_tests_and_benches_only() {
    for (from, kind) in [
        ("quorate-daemon", Kind::Normal),
        ("quorate-cli", Kind::Development),
        ("quorate-signer", Kind::Development),
        ("quorate-tests", Kind::Normal),
    ] {
        let packages: &[Row<'_>] =
            &[(from, true, &[(kind, "quorate-testkit")]), ("quorate-testkit", true, &[])];
        assert_one_line(packages, &[&format!("{from} -> quorate-testkit"), "dev-dependencies"]);
    }
}

#[test]
fn every_pure_crate_has_a_row_that_names_only_pure_crates() {
    for name in PURE {
        let allowed = super::table::allowed(name).expect("a pure crate has a row");
        let row = allowed.to_string();
        assert!(
            row == "none" || row.split(", ").all(super::table::is_pure),
            "{name} may use something that is not pure: {row}"
        );
        assert!(!allowed.permits(name), "{name} may not depend on itself");
    }
}
