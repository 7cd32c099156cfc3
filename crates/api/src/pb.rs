//! What travels and what rests, as generated from `proto/`.

use std::fmt;

/// quorate's own packages.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::too_many_lines,
    reason = "generated; proto/ has the comments"
)]
pub mod quorate {
    pub mod custody {
        pub mod v1 {
            tonic::include_proto!("quorate.custody.v1");
        }
    }
    pub mod node {
        pub mod v1 {
            tonic::include_proto!("quorate.node.v1");
        }
    }
    pub mod statement {
        pub mod v1 {
            tonic::include_proto!("quorate.statement.v1");
        }
    }
    pub mod storage {
        pub mod v1 {
            tonic::include_proto!("quorate.storage.v1");
        }
    }
}

/// Google's packages.
#[expect(missing_docs, reason = "generated; proto/ has the comments")]
pub mod google {
    pub mod longrunning {
        tonic::include_proto!("google.longrunning");
    }
}

pub use google::longrunning;
pub use quorate::{custody, node, statement, storage};

/// All files of `proto/` as an encoded `google.protobuf.FileDescriptorSet`, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/quorate.bin"));

impl fmt::Debug for node::v1::UnsealRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsealRequest(<redacted>)")
    }
}

impl fmt::Debug for node::v1::RotateKekRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RotateKekRequest(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{FileDescriptorProto, FileDescriptorSet};

    use super::FILE_DESCRIPTOR_SET;

    fn files() -> Vec<FileDescriptorProto> {
        FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file
    }

    #[test]
    fn every_service_can_be_reflected() {
        let files = files();
        let services = files.iter().flat_map(|file| &file.service);
        let mut names: Vec<_> = services.map(|service| service.name()).collect();
        names.sort_unstable();
        let expected = [
            "ApprovalService",
            "FleetService",
            "KeyService",
            "NodeAdmin",
            "NodeGateway",
            "OrderService",
            "SigningService",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_zero_of_every_enumeration_is_unspecified() {
        let files = files();
        let own = files.iter().filter(|file| file.package().starts_with("quorate."));
        let enumerations: Vec<_> = own.flat_map(|file| &file.enum_type).collect();
        assert!(enumerations.len() > 8);
        for enumeration in enumerations {
            let zero = enumeration.value.iter().find(|value| value.number() == 0).unwrap();
            assert!(zero.name().ends_with("_UNSPECIFIED"), "{}", zero.name());
        }
    }

    #[test]
    fn a_passphrase_is_not_in_the_debug_text_of_what_carries_it() {
        let passphrase = b"horse".to_vec();
        let unseal = super::node::v1::UnsealRequest { passphrase: passphrase.clone() };
        assert_eq!(format!("{unseal:?}"), "UnsealRequest(<redacted>)");
        let rotate = super::node::v1::RotateKekRequest { passphrase };
        assert_eq!(format!("{rotate:?}"), "RotateKekRequest(<redacted>)");
    }

    #[test]
    fn no_message_is_made_for_a_secret() {
        let files = files();
        let messages = files.iter().flat_map(|file| &file.message_type);
        let fields = messages.flat_map(|message| &message.field);
        for field in fields {
            let name = field.name();
            assert!(!name.contains("secret") && !name.contains("nonces"), "{name}");
        }
    }
}
