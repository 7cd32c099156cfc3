//! What travels and what rests, as generated from `proto/`.

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
