//! The systemd units, beside the configuration that they are installed with.

use quorate_daemon::config::{CoordinatorFile, NodeFile};

use crate::{deploy, text};

/// All values of a setting.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    let setting = |line: &'a str| line.split_once('=').filter(|(found, _)| *found == name);
    unit.lines().filter_map(setting).map(|(_, value)| value).collect()
}

fn node() -> NodeFile {
    NodeFile::load(&deploy().join("config/node-1.toml")).unwrap()
}

fn coordinator() -> CoordinatorFile {
    CoordinatorFile::load(&deploy().join("config/coordinator.toml")).unwrap()
}

#[test]
fn the_credential_is_the_configured_one() {
    let nodes = (text("systemd/quorate-node.service"), node().store.kek);
    let coordinators = (text("systemd/quorate-coordinator.service"), coordinator().store.kek);
    for (unit, kek) in [nodes, coordinators] {
        let [credential] = values(&unit, "LoadCredentialEncrypted")[..] else {
            panic!("one credential")
        };
        assert_eq!(credential.split_once(':').map(|(name, _)| name), kek.credential.as_deref());
    }
}

#[test]
fn what_is_written_to_may_be_written_to() {
    let unit = text("systemd/quorate-node.service");
    let [writable] = values(&unit, "ReadWritePaths")[..] else { panic!("one path") };
    assert!(node().store.dir.starts_with(writable));
    let [runtime] = values(&unit, "RuntimeDirectory")[..] else { panic!("one folder") };
    assert!(node().admin.socket.starts_with(format!("/run/{runtime}")));

    let unit = text("systemd/quorate-coordinator.service");
    let [writable] = values(&unit, "ReadWritePaths")[..] else { panic!("one path") };
    assert!(coordinator().store.dir.starts_with(writable));
}

#[test]
fn a_node_that_cannot_read_the_boot_id_is_told_it() {
    let unit = text("systemd/quorate-node.service");
    assert_eq!(values(&unit, "ProcSubset"), ["pid"]);
    assert_eq!(values(&unit, "Environment"), ["QUORATE_BOOT_ID=%b"]);
}

#[test]
fn a_node_may_listen_on_no_port_and_a_coordinator_on_its_own() {
    let unit = text("systemd/quorate-node.service");
    assert_eq!(values(&unit, "SocketBindDeny"), ["any"]);
    assert_eq!(values(&unit, "SocketBindAllow"), [""; 0]);

    let unit = text("systemd/quorate-coordinator.service");
    let file = coordinator();
    let metrics = file.metrics.address.expect("the example has metrics on");
    let allowed = [format!("tcp:{}", file.listen.port()), format!("ipv4:tcp:{}", metrics.port())];
    assert_eq!(values(&unit, "SocketBindAllow"), allowed);
    assert_eq!(values(&unit, "SocketBindDeny"), ["any"]);
}

#[test]
fn secrets_stay_in_memory_and_privileges_out() {
    for name in ["node", "coordinator"] {
        let unit = text(&format!("systemd/quorate-{name}.service"));
        for (setting, value) in [
            ("LimitCORE", "0"),
            ("MemorySwapMax", "0"),
            ("NoNewPrivileges", "yes"),
            ("CapabilityBoundingSet", ""),
            ("ProtectSystem", "strict"),
            ("UMask", "0077"),
            ("User", "quorate"),
        ] {
            assert_eq!(values(&unit, setting), [value], "{name}: {setting}");
        }
    }
}
