//! Packages and the dependencies between them, as Cargo resolved them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cargo_metadata::{DependencyKind, MetadataCommand, PackageId};

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Build,
    Development,
}

/// One package of the resolved graph; one name may occur with several versions, so several ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Member of this workspace.
    pub(crate) ours: bool,
    /// Kind and package id of each direct dependency.
    pub(crate) dependencies: BTreeSet<(Kind, String)>,
}

/// All packages by package id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    packages: BTreeMap<String, Package>,
}

/// Asks Cargo. Features are unified over the whole workspace and all targets, as they are in what
/// is built and shipped: an optional dependency that anyone turns on counts for everyone.
///
/// # Errors
/// When `cargo metadata --locked` fails.
pub(crate) fn of_workspace() -> Result<Graph, cargo_metadata::Error> {
    let metadata = MetadataCommand::new().other_options(["--locked".to_owned()]).exec()?;
    let resolved = metadata.resolve.as_ref().map_or(&[][..], |resolve| &resolve.nodes);
    let dependencies: BTreeMap<&PackageId, BTreeSet<(Kind, String)>> =
        resolved.iter().map(|node| (&node.id, dependencies_of(node))).collect();
    let packages = metadata
        .packages
        .iter()
        .map(|package| {
            let package_of_ours = Package {
                name: package.name.to_string(),
                ours: metadata.workspace_members.contains(&package.id),
                dependencies: dependencies.get(&package.id).cloned().unwrap_or_default(),
            };
            (package.id.repr.clone(), package_of_ours)
        })
        .collect();
    Ok(Graph { packages })
}

fn dependencies_of(node: &cargo_metadata::Node) -> BTreeSet<(Kind, String)> {
    node.deps
        .iter()
        .flat_map(|dependency| {
            dependency.dep_kinds.iter().filter_map(|info| {
                let kind = match info.kind {
                    DependencyKind::Normal => Kind::Normal,
                    DependencyKind::Build => Kind::Build,
                    DependencyKind::Development => Kind::Development,
                    DependencyKind::Unknown => return None,
                };
                Some((kind, dependency.pkg.repr.clone()))
            })
        })
        .collect()
}

impl Graph {
    /// Members of the workspace, with their ids.
    pub(crate) fn ours(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages
            .iter()
            .filter(|(_, package)| package.ours)
            .map(|(id, package)| (id.as_str(), package))
    }

    /// What a package names itself.
    pub(crate) fn direct<'a>(
        &'a self,
        package: &'a Package,
    ) -> impl Iterator<Item = (Kind, &'a Package)> {
        package
            .dependencies
            .iter()
            .filter_map(|(kind, id)| self.packages.get(id).map(|found| (*kind, found)))
    }

    /// The names from `start` to the nearest package called `name`, through normal dependencies.
    pub(crate) fn shortest_path<'a>(&'a self, start: &'a str, name: &str) -> Option<Vec<&'a str>> {
        let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(id) = queue.pop_front() {
            let package = self.packages.get(id)?;
            if package.name == name {
                return Some(self.names_back_from(id, &came_from));
            }
            for (kind, next) in &package.dependencies {
                if *kind == Kind::Normal && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, Some(id));
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn names_back_from<'a>(
        &'a self,
        end: &'a str,
        came_from: &BTreeMap<&'a str, Option<&'a str>>,
    ) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut at = Some(end);
        while let Some(id) = at {
            names.extend(self.packages.get(id).map(|package| package.name.as_str()));
            at = came_from.get(id).copied().flatten();
        }
        names.reverse();
        names
    }

    /// A graph written by hand, ids being names.
    #[cfg(test)]
    pub(crate) fn by_hand(packages: &[HandWritten<'_>]) -> Self {
        let packages = packages
            .iter()
            .map(|(name, ours, dependencies)| {
                let package = Package {
                    name: (*name).to_owned(),
                    ours: *ours,
                    dependencies: dependencies
                        .iter()
                        .map(|(kind, id)| (*kind, (*id).to_owned()))
                        .collect(),
                };
                ((*name).to_owned(), package)
            })
            .collect();
        Self { packages }
    }
}

/// `(name, ours, [(kind, dependency)])`.
#[cfg(test)]
pub(crate) type HandWritten<'a> = (&'a str, bool, &'a [(Kind, &'a str)]);
