use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::mpsc::channel;

use quorate_model::{Digest, Epoch};
use rand_core::OsRng;
use tempfile::TempDir;

use super::*;
use crate::{
    AlteredError, Batch, KekError, SealError, SecretError, SecretSource, Writer, WriterConfig,
};

pub(crate) const RECORDS: Tree = Tree("records");
pub(crate) const SHARES: Tree = Tree("shares");
const NODE: Binding = Binding::new(Digest::new([1; 32]));

/// A folder with a passphrase and a store.
pub(crate) struct Fixture(TempDir);

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        fixture.set_passphrase(b"correct horse");
        fixture
    }

    fn set_passphrase(&self, passphrase: &[u8]) {
        let path = self.0.path().join("passphrase");
        fs::write(&path, passphrase).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn open(&self) -> Result<Arc<Store>, OpenError> {
        self.open_as(NODE)
    }

    fn open_as(&self, binding: Binding) -> Result<Arc<Store>, OpenError> {
        let kek = KekSource::Passphrase(SecretSource::File(self.0.path().join("passphrase")));
        let params = KdfParams::light();
        Store::open(&self.dir(), binding, &[kek], params, Box::new(OsRng)).map(Arc::new)
    }

    /// Opens the store, writes, and closes it.
    fn write(&self, writes: Vec<Write>) {
        write(&self.open().unwrap(), writes);
    }

    /// Does to the records what someone with the disk could.
    fn tamper<T>(&self, change: impl FnOnce(&sled::Db) -> T) -> T {
        let database = database::open(&self.dir().join("records")).unwrap();
        let result = change(&database);
        database.flush().unwrap();
        result
    }

    fn altered(&self) -> AlteredError {
        match self.open() {
            Err(OpenError::Altered(error)) => error,
            other => panic!("expected altered records, got {other:?}"),
        }
    }

    fn assert_tree_altered(&self, name: &str, (written, there): (u64, u64)) {
        let error = self.altered();
        let AlteredError::Tree { tree, expected, found } = &error else { panic!("{error:?}") };
        assert_eq!((tree.as_str(), *expected, *found), (name, written, there));
    }

    fn assert_record_altered(&self, place: (&str, &[u8])) {
        let error = self.altered();
        let AlteredError::Record { tree, key, .. } = &error else { panic!("{error:?}") };
        assert_eq!((tree.as_str(), key), (place.0, &hex::encode(place.1)));
    }
}

pub(crate) fn share() -> DataKeyId {
    DataKeyId::Share { key: "treasury".parse().unwrap(), epoch: Epoch(0) }
}

pub(crate) fn put(tree: Tree, key: &[u8], value: &[u8]) -> Write {
    let value = Zeroizing::new(value.to_vec());
    Write::Put { tree, key: key.to_vec(), value, data_key: DataKeyId::Root }
}

fn put_share(value: &[u8]) -> Write {
    let value = Zeroizing::new(value.to_vec());
    Write::Put { tree: SHARES, key: b"treasury".to_vec(), value, data_key: share() }
}

fn delete(tree: Tree, key: &[u8]) -> Write {
    Write::Delete { tree, key: key.to_vec() }
}

pub(crate) fn write(store: &Arc<Store>, writes: Vec<Write>) {
    let writer = Writer::start(store, WriterConfig { free_bytes_min: 0, ..Default::default() });
    let (done, result) = channel();
    let completion = move |written| done.send(written).unwrap();
    writer.unwrap().submit(Batch { writes }, completion).unwrap();
    result.recv().unwrap().unwrap();
}

pub(crate) fn scan(store: &Store, tree: Tree) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(tree).unwrap().into_iter().map(|(key, value)| (key, value.to_vec())).collect()
}

fn record(key: &[u8], value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (key.to_vec(), value.to_vec())
}

#[test]
fn what_is_written_is_read_after_a_restart() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    let writes = vec![put(RECORDS, b"2", b"two"), put(RECORDS, b"1", b""), put_share(b"secret")];
    write(&store, writes);
    let generation = store.generation();
    assert_eq!(generation.number, 1);
    drop(store);

    let store = fixture.open().unwrap();
    assert_eq!(scan(&store, RECORDS), [record(b"1", b""), record(b"2", b"two")]);
    assert_eq!(scan(&store, SHARES), [record(b"treasury", b"secret")]);
    assert_eq!(scan(&store, Tree("none")), []);
    assert_eq!(store.generation(), generation);
    assert_eq!(store.data_keys(), [DataKeyId::Root, share()]);
}

#[test]
fn a_tree_is_read_page_by_page_while_it_is_written() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let page = |from: &[u8], count| {
        let page = store.page(RECORDS, from, count).unwrap().into_iter();
        page.map(|(key, value)| (key, value.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(page(b"", 2), []);
    write(
        &store,
        vec![
            put(RECORDS, b"1", b"one"),
            put(RECORDS, b"3", b"three"),
            put(Tree("others"), b"2", b""),
        ],
    );
    assert_eq!(page(b"", 2), [record(b"1", b"one"), record(b"3", b"three")]);
    assert_eq!(page(b"2", 1), [record(b"3", b"three")]);
    assert_eq!((page(b"4", 9), page(b"", 0)), (vec![], vec![]));
}

#[test]
fn the_last_write_of_a_record_wins() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one"), put(RECORDS, b"2", b"two")]);
    let writes = vec![
        delete(RECORDS, b"1"),
        put(RECORDS, b"1", b"uno"),
        put(RECORDS, b"2", b"due"),
        delete(RECORDS, b"2"),
        delete(RECORDS, b"3"),
    ];
    fixture.write(writes);
    let store = fixture.open().unwrap();
    assert_eq!(scan(&store, RECORDS), [record(b"1", b"uno")]);
    assert_eq!(store.generation().number, 2);
}

#[test]
fn a_wrong_or_missing_passphrase_opens_nothing() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    fixture.set_passphrase(b"wrong horse");
    assert!(matches!(fixture.open(), Err(OpenError::Keyring(KeyringError::Kek(KekError::Wrong)))));
    fixture.set_passphrase(b"");
    let Err(OpenError::Keyring(KeyringError::Kek(KekError::Secret(refused)))) = fixture.open()
    else {
        panic!("an empty passphrase was taken")
    };
    assert!(matches!(refused, SecretError::Content { .. }), "{refused}");
    fixture.set_passphrase(b"correct horse");
    assert_eq!(scan(&fixture.open().unwrap(), RECORDS), [record(b"1", b"one")]);
}

#[test]
fn a_store_of_another_node_is_refused() {
    let fixture = Fixture::new();
    drop(fixture.open().unwrap());
    let refused = fixture.open_as(Binding::new(Digest::new([2; 32])));
    assert!(matches!(refused, Err(OpenError::Keyring(KeyringError::OtherNode))));
}

#[test]
fn a_flipped_bit_in_any_record_names_it() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    write(&store, vec![put(RECORDS, b"1", b"one"), put(RECORDS, b"2", b"two"), put_share(b"s")]);
    drop(store);
    let places: [(&str, &[u8]); 4] = [
        ("records", b"1"),
        ("records", b"2"),
        ("shares", b"treasury"),
        (MANIFEST_TREE, MANIFEST_KEY),
    ];
    for (tree, key) in places {
        // A byte of the ciphertext: what stands before it is covered by the tests of `seal`.
        let flip = |database: &sled::Db| {
            let records = database.open_tree(tree).unwrap();
            let mut value = records.get(key).unwrap().unwrap().to_vec();
            *value.last_mut().unwrap() ^= 1;
            records.insert(key, value).unwrap();
        };
        fixture.tamper(flip);
        fixture.assert_record_altered((tree, key));
        fixture.tamper(flip);
    }
    drop(fixture.open().unwrap());
}

#[test]
fn swapped_records_are_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one"), put(RECORDS, b"2", b"two")]);
    fixture.tamper(|database| {
        let records = database.open_tree("records").unwrap();
        let [one, two] = [b"1", b"2"].map(|key| records.get(key).unwrap().unwrap());
        records.insert(b"1", two).unwrap();
        records.insert(b"2", one).unwrap();
    });
    fixture.assert_record_altered(("records", b"1"));
}

#[test]
fn a_record_of_another_node_is_noticed() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    write(
        &other.open_as(Binding::new(Digest::new([2; 32]))).unwrap(),
        vec![put(RECORDS, b"1", b"two")],
    );
    let foreign =
        other.tamper(|database| database.open_tree("records").unwrap().get(b"1").unwrap());
    fixture.tamper(|database| {
        database.open_tree("records").unwrap().insert(b"1", foreign.unwrap()).unwrap()
    });
    fixture.assert_record_altered(("records", b"1"));
}

#[test]
fn a_deleted_record_is_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![
        put(RECORDS, b"1", b"one"),
        put(RECORDS, b"2", b"two"),
        put(SHARES, b"1", b"one"),
    ]);
    fixture.tamper(|database| database.open_tree("records").unwrap().remove(b"1").unwrap());
    fixture.assert_tree_altered("records", (2, 1));
}

#[test]
fn a_deleted_tree_is_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one"), put(SHARES, b"1", b"one")]);
    fixture.tamper(|database| assert!(database.drop_tree("records").unwrap()));
    fixture.assert_tree_altered("records", (1, 0));
}

#[test]
fn a_deleted_record_that_is_put_back_is_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    let old = fixture.tamper(|database| database.open_tree("records").unwrap().get(b"1").unwrap());
    fixture.write(vec![delete(RECORDS, b"1")]);
    fixture.tamper(|database| {
        database.open_tree("records").unwrap().insert(b"1", old.unwrap()).unwrap()
    });
    fixture.assert_tree_altered("records", (0, 1));
}

#[test]
fn an_earlier_value_that_is_put_back_is_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    let old = fixture.tamper(|database| database.open_tree("records").unwrap().get(b"1").unwrap());
    fixture.write(vec![put(RECORDS, b"1", b"two")]);
    fixture.tamper(|database| {
        database.open_tree("records").unwrap().insert(b"1", old.unwrap()).unwrap()
    });
    fixture.assert_tree_altered("records", (1, 1));
}

#[test]
fn a_record_in_a_tree_of_nobody_is_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    fixture.tamper(|database| {
        let value = database.open_tree("records").unwrap().get(b"1").unwrap().unwrap();
        database.open_tree("elsewhere").unwrap().insert(b"1", value).unwrap();
    });
    fixture.assert_record_altered(("elsewhere", b"1"));
}

#[test]
fn missing_records_or_a_missing_manifest_are_noticed() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    fixture.tamper(|database| {
        database.open_tree(MANIFEST_TREE).unwrap().remove(MANIFEST_KEY).unwrap()
    });
    assert!(matches!(fixture.open(), Err(OpenError::ManifestMissing)));
    fs::remove_dir_all(fixture.dir().join("records")).unwrap();
    assert!(matches!(fixture.open(), Err(OpenError::ManifestMissing)));
}

#[test]
fn a_missing_keyring_is_not_made_anew_over_records() {
    let fixture = Fixture::new();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    fs::remove_file(fixture.dir().join("keyring")).unwrap();
    assert!(matches!(fixture.open(), Err(OpenError::KeyringMissing)));
}

#[test]
fn creating_goes_on_where_it_was_cut_short() {
    let fixture = Fixture::new();
    drop(fixture.open().unwrap());
    fs::remove_file(fixture.dir().join("keyring")).unwrap();
    fixture.write(vec![put(RECORDS, b"1", b"one")]);
    assert_eq!(scan(&fixture.open().unwrap(), RECORDS), [record(b"1", b"one")]);
}

#[test]
fn a_keyring_that_is_put_back_is_noticed() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    let old = fs::read(fixture.dir().join("keyring")).unwrap();
    store.erase_data_key(&share()).unwrap();
    write(&store, vec![put(RECORDS, b"1", b"one")]);
    drop(store);
    fs::write(fixture.dir().join("keyring"), old).unwrap();
    let refused = fixture.open();
    assert!(matches!(refused, Err(OpenError::KeyringPutBack { found: 2, expected: 3 })));
}

#[test]
fn what_an_erased_data_key_sealed_is_unreadable() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    write(&store, vec![put_share(b"secret"), put(RECORDS, b"1", b"one")]);
    assert!(store.erase_data_key(&share()).unwrap());
    let assert_unreadable = |store: &Store| match store.scan(SHARES) {
        Err(ReadError::Seal { tree: SHARES, key, source: SealError::DataKeyMissing { .. } }) => {
            assert_eq!(key, hex::encode(b"treasury"));
        }
        other => panic!("expected an unreadable share, got {other:?}"),
    };
    assert_unreadable(&store);
    drop(store);

    // Neither a restart nor a new data key of the same name brings it back.
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    assert_unreadable(&store);
    assert_eq!(scan(&store, RECORDS), [record(b"1", b"one")]);
}

#[test]
fn a_store_is_open_once() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    assert!(matches!(fixture.open(), Err(OpenError::InUse { .. })));
    drop(store);
    drop(fixture.open().unwrap());
}

#[test]
fn the_data_folder_is_its_owners_alone() {
    let fixture = Fixture::new();
    drop(fixture.open().unwrap());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.dir()), 0o700);
    assert_eq!(mode(fixture.dir().join("keyring")), 0o600);
    fs::set_permissions(fixture.dir(), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(fixture.open(), Err(OpenError::Exposed { .. })));
}

#[test]
fn no_value_is_in_the_data_folder() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    store.add_data_key(&share()).unwrap();
    write(&store, vec![put(RECORDS, b"the-key", b"plain-value"), put_share(b"plain-value")]);
    drop(store);
    let mut folders = vec![fixture.dir()];
    let (mut keys, mut values) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(path).unwrap();
            let count =
                |text: &[u8]| bytes.windows(text.len()).filter(|window| *window == text).count();
            keys += count(b"the-key");
            values += count(b"plain-value");
        }
    }
    // The key is found, so the search works.
    assert!(keys > 0 && values == 0, "{keys} {values}");
}

#[test]
fn the_greatest_records_stay_in_the_log_that_is_synced() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let writer =
        Writer::start(&store, WriterConfig { free_bytes_min: 0, ..Default::default() }).unwrap();
    // Each record several times: a page is written as a whole after ten changes.
    for round in 0..4_u8 {
        for record in 0..40_u8 {
            let mut key = vec![7; crate::KEY_BYTES_MAX];
            key[0] = record;
            let writes = vec![put(RECORDS, &key, &vec![round; crate::VALUE_BYTES_MAX])];
            writer.submit_blocking(Batch { writes }, |written| written.unwrap()).unwrap();
        }
    }
    drop(writer);
    assert_eq!(fs::read_dir(fixture.dir().join("records/blobs")).unwrap().count(), 0);
    drop(store);
    let records = scan(&fixture.open().unwrap(), RECORDS);
    assert_eq!(records.len(), 40);
    assert!(records.iter().all(|(_, value)| *value == vec![3; crate::VALUE_BYTES_MAX]));
}

#[test]
fn the_debug_text_of_a_store_has_no_secret() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let text = format!("{store:?}");
    assert!(text.starts_with("Store { dir: ") && !text.contains("secrets"), "{text}");
}
