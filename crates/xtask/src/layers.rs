//! `cargo xtask layers`: arrows between crates point down only, and the pure crates stay pure.

mod graph;
mod table;
#[cfg(test)]
mod tests;
mod violation;

use crate::Findings;
use graph::{Graph, Kind, Package};
use table::Allowed;
pub(crate) use table::is_pure;
use violation::Violation;

/// Checks the workspace that this command runs in.
///
/// # Errors
/// When Cargo cannot describe the workspace, for example because a manifest does not parse.
pub(crate) fn check() -> Result<Findings, cargo_metadata::Error> {
    let graph = graph::of_workspace()?;
    Ok(Findings {
        checked: format!("{} crates of ours", graph.ours().count()),
        warnings: Vec::new(),
        faults: violations(&graph).iter().map(ToString::to_string).collect(),
    })
}

fn violations(graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (id, package) in graph.ours() {
        match table::allowed(&package.name) {
            None => found.push(Violation::UnknownCrate { name: package.name.clone() }),
            Some(allowed) => found.extend(arrows(graph, package, &allowed)),
        }
        found.extend(owned(graph, package));
        found.extend(test_only(graph, package));
        if is_pure(&package.name) {
            found.extend(impure(graph, id, package));
        }
    }
    found
}

/// Normal and build dependencies on our own crates that the table does not have.
fn arrows(graph: &Graph, package: &Package, allowed: &Allowed) -> Vec<Violation> {
    graph
        .direct(package)
        .filter(|(kind, dependency)| {
            *kind != Kind::Development && dependency.ours && !table::is_test_only(&dependency.name)
        })
        .filter(|(_, dependency)| !allowed.permits(&dependency.name))
        .map(|(_, dependency)| Violation::Arrow {
            from: package.name.clone(),
            to: dependency.name.clone(),
            allowed: allowed.to_string(),
        })
        .collect()
}

/// Dependencies that belong to one crate of ours, named by another, of whatever kind.
fn owned(graph: &Graph, package: &Package) -> Vec<Violation> {
    graph
        .direct(package)
        .filter_map(|(_, dependency)| {
            let owner = table::owner(&dependency.name)?;
            (owner != package.name).then(|| Violation::Owned {
                from: package.name.clone(),
                to: dependency.name.clone(),
                owner: owner.to_owned(),
            })
        })
        .collect()
}

/// Uses of the test kit other than as a development dependency of the members that only test.
fn test_only(graph: &Graph, package: &Package) -> Vec<Violation> {
    graph
        .direct(package)
        .filter(|(_, dependency)| table::is_test_only(&dependency.name))
        .filter(|(kind, _)| *kind != Kind::Development || !table::may_test(&package.name))
        .map(|(_, dependency)| Violation::TestOnly {
            from: package.name.clone(),
            to: dependency.name.clone(),
        })
        .collect()
}

/// What a pure crate reaches and may not: a runtime or a technology at any depth, a logger directly.
fn impure(graph: &Graph, id: &str, package: &Package) -> Vec<Violation> {
    let reached = table::UNREACHABLE_FOR_PURE.iter().filter_map(|forbidden| {
        graph.shortest_path(id, forbidden).map(|path| Violation::Reaches {
            forbidden: (*forbidden).to_owned(),
            path: path.join(" -> "),
        })
    });
    let named = graph
        .direct(package)
        .filter(|(kind, dependency)| {
            *kind != Kind::Development && table::UNNAMEABLE_FOR_PURE.contains(&&*dependency.name)
        })
        .map(|(_, dependency)| Violation::Logs {
            from: package.name.clone(),
            to: dependency.name.clone(),
        });
    reached.chain(named).collect()
}
