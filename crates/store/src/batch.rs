//! What is written: batches of writes, each batch all or nothing.

use std::fmt;

use zeroize::Zeroizing;

use crate::DataKeyId;

/// Bytes of a value, at most. Longer values are the caller's to split.
///
/// sled keeps up to 17 records in a page, and a page of more than a quarter of a segment in a file
/// of its own that it never syncs: this limit and `database::SEGMENT_BYTES` together rule that out.
pub const VALUE_BYTES_MAX: usize = 60 * 1024;

/// Bytes of a key, at most.
pub const KEY_BYTES_MAX: usize = 512;

/// Writes in a batch, at most.
pub const BATCH_WRITES_MAX: usize = 1_024;

/// Bytes of all keys and values of a batch, at most.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

const TREE_NAME_BYTES_MAX: usize = 63;

/// A collection of records by its name. The callers' trees are a fixed enumeration.
///
/// A name has 1 to 63 bytes and does not begin with `__`; a batch with another is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tree(pub &'static str);

impl Tree {
    fn is_usable(self) -> bool {
        (1..=TREE_NAME_BYTES_MAX).contains(&self.0.len()) && !self.0.starts_with("__")
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One change of one record.
pub enum Write {
    /// Makes the record have this value.
    Put {
        /// Where the record is.
        tree: Tree,
        /// The record's key, stored in the clear.
        key: Vec<u8>,
        /// The value, stored sealed.
        value: Zeroizing<Vec<u8>>,
        /// The data key that seals it.
        data_key: DataKeyId,
    },
    /// Makes the record not exist.
    Delete {
        /// Where the record is.
        tree: Tree,
        /// The record's key.
        key: Vec<u8>,
    },
}

impl Write {
    const fn tree(&self) -> Tree {
        match self {
            Self::Put { tree, .. } | Self::Delete { tree, .. } => *tree,
        }
    }

    const fn key(&self) -> &Vec<u8> {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    fn value_bytes(&self) -> usize {
        match self {
            Self::Put { value, .. } => value.len(),
            Self::Delete { .. } => 0,
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tree, key) = (self.tree(), hex::encode(self.key()));
        match self {
            Self::Put { value, data_key, .. } => {
                write!(f, "Put({tree}/{key}, <{} bytes redacted>, {data_key})", value.len())
            }
            Self::Delete { .. } => write!(f, "Delete({tree}/{key})"),
        }
    }
}

/// Writes that become durable together or not at all, in their order. An empty batch writes
/// nothing and completes after all batches before it.
#[derive(Debug, Default)]
pub struct Batch {
    /// The writes.
    pub writes: Vec<Write>,
}

impl Batch {
    pub(crate) fn check(&self) -> Result<(), BatchError> {
        if self.writes.len() > BATCH_WRITES_MAX {
            return Err(BatchError::Writes { writes: self.writes.len() });
        }
        for write in &self.writes {
            let (tree, key) = (write.tree(), write.key());
            if !tree.is_usable() {
                return Err(BatchError::TreeName { tree });
            }
            if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
                return Err(BatchError::Key { tree, bytes: key.len() });
            }
            let bytes = write.value_bytes();
            if bytes > VALUE_BYTES_MAX {
                return Err(BatchError::Value { tree, key: hex::encode(key), bytes });
            }
        }
        match self.bytes() {
            bytes if bytes > BATCH_BYTES_MAX => Err(BatchError::Bytes { bytes }),
            _ => Ok(()),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.writes.iter().map(|write| write.key().len() + write.value_bytes()).sum()
    }

    pub(crate) fn data_keys(&self) -> impl Iterator<Item = &DataKeyId> {
        self.writes.iter().filter_map(|write| match write {
            Write::Put { data_key, .. } => Some(data_key),
            Write::Delete { .. } => None,
        })
    }
}

/// Why a batch can never be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A tree's name.
    #[error("a tree has a name of 1 to 63 bytes that does not begin with \"__\", not {tree:?}")]
    TreeName {
        /// The tree.
        tree: Tree,
    },
    /// A key's length.
    #[error("a key in tree {tree} has {bytes} bytes: 1 to 512 are allowed")]
    Key {
        /// The tree.
        tree: Tree,
        /// The key's length.
        bytes: usize,
    },
    /// A value's length.
    #[error("the value of {tree}/{key} has {bytes} bytes: split it, 61440 are allowed")]
    Value {
        /// The tree.
        tree: Tree,
        /// The record's key, in hexadecimal.
        key: String,
        /// The value's length.
        bytes: usize,
    },
    /// The number of writes.
    #[error("a batch has {writes} writes: 1024 are allowed")]
    Writes {
        /// The number of writes.
        writes: usize,
    },
    /// The length of all keys and values.
    #[error("a batch has {bytes} bytes of keys and values: 1048576 are allowed")]
    Bytes {
        /// The length of all keys and values.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tree: &'static str, key: Vec<u8>, bytes: usize) -> Write {
        let value = Zeroizing::new(vec![7; bytes]);
        Write::Put { tree: Tree(tree), key, value, data_key: DataKeyId::Root }
    }

    fn check(write: Write) -> Result<(), BatchError> {
        Batch { writes: vec![write] }.check()
    }

    #[test]
    fn every_limit_of_a_batch_is_enforced() {
        assert_eq!(check(put("a", vec![1; KEY_BYTES_MAX], VALUE_BYTES_MAX)), Ok(()));
        let tree = Tree("a");
        for name in
            ["", "__generation", "a234567890123456789012345678901234567890123456789012345678901234"]
        {
            let tree = Tree(name);
            assert_eq!(check(put(name, vec![1], 1)), Err(BatchError::TreeName { tree }));
        }
        assert_eq!(check(put("a", vec![], 1)), Err(BatchError::Key { tree, bytes: 0 }));
        assert_eq!(check(put("a", vec![1; 513], 1)), Err(BatchError::Key { tree, bytes: 513 }));
        let refused = BatchError::Value { tree, key: "01".into(), bytes: VALUE_BYTES_MAX + 1 };
        assert_eq!(check(put("a", vec![1], VALUE_BYTES_MAX + 1)), Err(refused));

        let batch = |writes, bytes| Batch {
            writes: (0..writes).map(|_| put("a", vec![1], bytes)).collect(),
        };
        assert_eq!(batch(BATCH_WRITES_MAX, 1).check(), Ok(()));
        assert_eq!(batch(1_025, 1).check(), Err(BatchError::Writes { writes: 1_025 }));
        let bytes = 18 * (VALUE_BYTES_MAX + 1);
        assert_eq!(batch(18, VALUE_BYTES_MAX).check(), Err(BatchError::Bytes { bytes }));
    }

    #[test]
    fn a_value_is_not_in_the_debug_text() {
        let value = Zeroizing::new(b"secret".to_vec());
        let write = Write::Put { tree: Tree("a"), key: vec![1], value, data_key: DataKeyId::Root };
        assert_eq!(format!("{write:?}"), "Put(a/01, <6 bytes redacted>, the root data key)");
    }
}
