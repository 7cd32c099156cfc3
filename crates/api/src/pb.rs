//! What travels and what rests, as generated from `proto/`.

/// quorate's own packages.
#[expect(missing_docs, reason = "generated; proto/ has the comments")]
pub mod quorate {
    /// Between clients and a coordinator.
    pub mod custody {
        #[expect(clippy::allow_attributes, reason = "generated")]
        pub mod v1 {
            tonic::include_proto!("quorate.custody.v1");
        }
    }

    /// Between nodes and a coordinator.
    pub mod node {
        #[expect(clippy::allow_attributes, reason = "generated")]
        pub mod v1 {
            tonic::include_proto!("quorate.node.v1");
        }
    }

    /// Signed statements.
    pub mod statement {
        pub mod v1 {
            tonic::include_proto!("quorate.statement.v1");
        }
    }

    /// Records at rest.
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
