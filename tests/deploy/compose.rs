//! The compose file, read as text: there is no container engine in the tests.

use quorate_daemon::config::{CoordinatorFile, NodeFile};

use crate::{deploy, text};

const SERVICES: [&str; 4] = ["coordinator", "node-1", "node-2", "node-3"];

/// The lines of a service, up to the next one.
fn service(compose: &str, name: &str) -> String {
    let header = format!("  {name}:");
    let after = compose.lines().skip_while(|line| *line != header).skip(1);
    let lines: Vec<_> = after.take_while(|line| line.starts_with("    ")).collect();
    assert!(!lines.is_empty(), "{name}");
    lines.join("\n")
}

#[test]
fn every_service_has_its_own_folder_state_and_secret() {
    let compose = text("compose/compose.yaml");
    for name in SERVICES {
        let service = service(&compose, name);
        for wanted in [
            format!("- ./cluster/{name}:/etc/quorate:ro"),
            format!("- {name}-state:/var/lib/quorate"),
            format!("- source: {name}-kek"),
            "target: kek".to_owned(),
        ] {
            assert!(service.contains(&wanted), "{name}: {wanted}");
        }
        assert!(compose.contains(&format!("  {name}-kek:\n    file: ./cluster/{name}/kek")));
        assert!(compose.contains(&format!("\n  {name}-state:\n")), "{name}");
    }
}

#[test]
fn nodes_publish_no_port_and_the_coordinator_its_own_on_loopback() {
    let compose = text("compose/compose.yaml");
    let file = CoordinatorFile::load(&deploy().join("config/coordinator.toml")).unwrap();
    let port = file.listen.port();
    let published = format!("ports: [\"127.0.0.1:{port}:{port}\"]");
    assert!(service(&compose, "coordinator").contains(&published));
    assert_eq!(compose.matches("ports:").count(), 1);
}

#[test]
fn nodes_find_the_coordinator_by_the_name_that_they_are_configured_with() {
    let compose = service(&text("compose/compose.yaml"), "coordinator");
    for number in 1..=3 {
        let path = deploy().join(format!("config/node-{number}.toml"));
        for coordinator in NodeFile::load(&path).unwrap().coordinators {
            let address = coordinator.address.trim_start_matches("https://");
            let host = address.split(':').next().unwrap();
            assert!(compose.contains(&format!("aliases: [{host}]")), "{host}");
        }
    }
}
