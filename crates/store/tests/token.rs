//! Wrapping keys in a real token: SoftHSM2, where it is installed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use quorate_model::{Digest, Epoch, Erasure};
use quorate_store::{
    Batch, Binding, DataKeyId, KdfParams, KekError, KekSource, KeyringError, OpenError,
    RewrapError, SecretError, SecretSource, Store, Token, TokenError, Tree, Write, Writer,
    WriterConfig,
};
use rand_core::OsRng;

#[path = "../../../tests/softhsm.rs"]
mod softhsm;

use softhsm::PIN;

const FOLDER: &str = "QUORATE_TOKEN_TEST_FOLDER";
const TORTURE: &str = "QUORATE_TOKEN_TEST_TORTURE";
const SHARES: Tree = Tree("shares");
const NODE: Binding = Binding::new(Digest::new([1; 32]));

/// A token `one`, another `two`, a PIN file, and a data folder.
struct Lab {
    dir: PathBuf,
    module: PathBuf,
}

/// Runs a test in a process of its own: SoftHSM2 takes its folder from the environment.
fn with_tokens(test: &str, body: impl FnOnce(&Lab)) {
    let Some(module) = softhsm::module() else { return };
    if let Some(dir) = std::env::var_os(FOLDER) {
        return body(&Lab { dir: dir.into(), module });
    }
    let dir = tempfile::tempdir().unwrap();
    let conf = softhsm::configure(dir.path());
    for label in ["one", "two"] {
        softhsm::init_token(&conf, &module, label);
    }
    write_secret(&dir.path().join("pin"), PIN);
    write_secret(&dir.path().join("passphrase"), "correct horse");
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("SOFTHSM2_CONF", conf)
        .env(FOLDER, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

fn write_secret(path: &Path, secret: &str) {
    fs::write(path, secret).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn share(epoch: u64) -> DataKeyId {
    DataKeyId::Share { key: "treasury".parse().unwrap(), epoch: Epoch(epoch) }
}

impl Lab {
    fn token(&self, label: &str) -> KekSource {
        let (module, owner) = (self.module.clone(), "quorate/0a1b/node-1".to_owned());
        let token = Token { module, label: label.to_owned(), owner };
        KekSource::Token { token, pin: SecretSource::File(self.dir.join("pin")) }
    }

    fn passphrase(&self) -> KekSource {
        KekSource::Passphrase(SecretSource::File(self.dir.join("passphrase")))
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn open(&self, keks: &[KekSource]) -> Result<Arc<Store>, OpenError> {
        self.open_at(&self.data(), keks)
    }

    fn open_at(&self, dir: &Path, keks: &[KekSource]) -> Result<Arc<Store>, OpenError> {
        Store::open(dir, NODE, keks, KdfParams::light(), Box::new(OsRng)).map(Arc::new)
    }

    /// A copy of the data folder.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.dir.join(name);
        let copied = Command::new("cp").arg("-a").arg(self.data()).arg(&copy).status().unwrap();
        assert!(copied.success());
        copy
    }

    /// What anybody with the PIN finds in a token.
    fn session(&self, label: &str) -> Session {
        let pkcs11 = Pkcs11::new(&self.module).unwrap();
        // The store may have done that already.
        let _ = pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let mut slots = pkcs11.get_slots_with_initialized_token().unwrap().into_iter();
        let is_it = |slot: &_| pkcs11.get_token_info(*slot).unwrap().label() == label;
        let session = pkcs11.open_rw_session(slots.find(is_it).unwrap()).unwrap();
        // As well.
        let _ = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
        session
    }

    /// The labels of the keys in a token. What SoftHSM2 had only begun to make when it was killed is no
    /// object of the token, and has neither a label nor a value.
    fn labels(&self, token: &str) -> Vec<String> {
        let session = self.session(token);
        let keys = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true)];
        let mut labels: Vec<_> = session
            .find_objects(&keys)
            .unwrap()
            .into_iter()
            .map(|object| {
                match &session.get_attributes(object, &[AttributeType::Label]).unwrap()[..] {
                    [Attribute::Label(label)] => String::from_utf8(label.clone()).unwrap(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        labels.sort();
        labels
    }
}

/// Writes a share under its data key.
fn put(store: &Arc<Store>, epoch: u64) {
    store.add_data_key(&share(epoch)).unwrap();
    let config = WriterConfig { free_bytes_min: 0, ..Default::default() };
    let writer = Writer::start(store, config).unwrap();
    let (key, value) = (epoch.to_be_bytes().to_vec(), b"secret".to_vec().into());
    let writes = vec![Write::Put { tree: SHARES, key, value, data_key: share(epoch) }];
    let (done, written) = std::sync::mpsc::channel();
    writer.submit(Batch { writes }, move |result| done.send(result).unwrap()).unwrap();
    written.recv().unwrap().unwrap();
}

fn token_error(opened: Result<Arc<Store>, OpenError>) -> TokenError {
    match opened {
        Err(OpenError::Keyring(KeyringError::Kek(KekError::Token(error)))) => error,
        other => panic!("expected a token that refuses, got {other:?}"),
    }
}

#[test]
fn each_data_key_has_a_wrapping_key_that_stays_in_the_token() {
    with_tokens("each_data_key_has_a_wrapping_key_that_stays_in_the_token", |lab| {
        let store = lab.open(&[lab.token("one")]).unwrap();
        put(&store, 0);
        assert_eq!(store.erasure(), Erasure::Complete);
        drop(store);
        let store = lab.open(&[lab.token("one")]).unwrap();
        assert_eq!(*store.scan(SHARES).unwrap()[0].1, b"secret");
        let expected = ["quorate/0a1b/node-1/root/1/1", "quorate/0a1b/node-1/treasury/0/2/2"];
        assert_eq!(lab.labels("one"), expected);
        let session = lab.session("one");
        for object in session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap() {
            let asked =
                [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Value];
            let said = session.get_attributes(object, &asked).unwrap();
            assert_eq!(said, [Attribute::Sensitive(true), Attribute::Extractable(false)]);
        }
    });
}

#[test]
fn a_copy_from_before_an_erasure_opens_nothing_with_what_the_token_holds_now() {
    with_tokens(
        "a_copy_from_before_an_erasure_opens_nothing_with_what_the_token_holds_now",
        |lab| {
            let store = lab.open(&[lab.token("one")]).unwrap();
            put(&store, 0);
            drop(store);
            let before = lab.copy("before");
            let store = lab.open(&[lab.token("one")]).unwrap();
            assert!(store.erase_data_key(&share(0)).unwrap());
            assert!(!lab.labels("one").iter().any(|label| label.contains("treasury")));
            store.add_data_key(&share(0)).unwrap();
            drop(store);
            let refused = token_error(lab.open_at(&before, &[lab.token("one")]));
            assert!(matches!(refused, TokenError::KeyMissing { .. }), "{refused}");
            // Nor did the copy do any harm to what is there now.
            let store = lab.open(&[lab.token("one")]).unwrap();
            assert_eq!(store.data_keys(), [DataKeyId::Root, share(0)]);
        },
    );
}

#[test]
fn an_earlier_data_folder_or_an_empty_one_is_refused_and_destroys_nothing() {
    with_tokens("an_earlier_data_folder_or_an_empty_one_is_refused_and_destroys_nothing", |lab| {
        drop(lab.open(&[lab.token("one")]).unwrap());
        let before = lab.copy("before");
        put(&lab.open(&[lab.token("one")]).unwrap(), 0);
        for dir in [before, lab.dir.join("empty")] {
            let refused = token_error(lab.open_at(&dir, &[lab.token("one")]));
            assert!(matches!(refused, TokenError::PutBack { .. }), "{refused}");
        }
        assert_eq!(lab.open(&[lab.token("one")]).unwrap().scan(SHARES).unwrap().len(), 1);
    });
}

#[test]
fn a_token_that_cannot_be_used_says_why() {
    with_tokens("a_token_that_cannot_be_used_says_why", |lab| {
        drop(lab.open(&[lab.token("one")]).unwrap());
        let with = |change: fn(&mut Token)| {
            let KekSource::Token { mut token, pin } = lab.token("one") else { unreachable!() };
            change(&mut token);
            KekSource::Token { token, pin }
        };
        let missing = with(|token| token.module = "/nonexistent/module.so".into());
        let refused = token_error(lab.open(&[missing]));
        assert!(matches!(refused, TokenError::Module { .. }), "{refused}");
        let fresh = lab.dir.join("fresh");
        let refused =
            token_error(lab.open_at(&fresh, &[with(|token| token.label = "three".into())]));
        assert!(matches!(&refused, TokenError::NoSuchToken { there, .. } if there.contains("two")));
        let other = lab.open(&[lab.token("two")]);
        assert!(matches!(other, Err(OpenError::Keyring(KeyringError::OtherSource))), "{other:?}");

        let pin = lab.dir.join("pin");
        write_secret(&pin, "00000000");
        let refused = token_error(lab.open(&[lab.token("one")]));
        assert!(matches!(refused, TokenError::WrongPin), "{refused}");
        write_secret(&pin, PIN);
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o640)).unwrap();
        let exposed = lab.open(&[lab.token("one")]);
        let Err(OpenError::Keyring(KeyringError::Kek(KekError::Secret(error)))) = exposed else {
            panic!("{exposed:?}")
        };
        assert!(matches!(error, SecretError::Exposed { mode: 0o640, .. }), "{error}");
        write_secret(&pin, PIN);
        drop(lab.open(&[lab.token("one")]).unwrap());
    });
}

#[test]
fn a_wrapping_key_that_somebody_deleted_or_added_is_noticed() {
    with_tokens("a_wrapping_key_that_somebody_deleted_or_added_is_noticed", |lab| {
        put(&lab.open(&[lab.token("one")]).unwrap(), 0);
        let root = Attribute::Label(b"quorate/0a1b/node-1/root/1/1".to_vec());
        let roots = |session: &Session| session.find_objects(std::slice::from_ref(&root)).unwrap();
        let session = lab.session("one");
        session.copy_object(roots(&session)[0], &[]).unwrap();
        drop(session);
        let refused = token_error(lab.open(&[lab.token("one")]));
        assert!(matches!(refused, TokenError::Stranger { .. }), "{refused}");
        let session = lab.session("one");
        session.destroy_object(roots(&session)[0]).unwrap();
        drop(session);
        let session = lab.session("one");
        session.destroy_object(roots(&session)[0]).unwrap();
        drop(session);
        let refused = token_error(lab.open(&[lab.token("one")]));
        assert!(matches!(refused, TokenError::KeyMissing { .. }), "{refused}");
    });
}

#[test]
fn a_keyring_moves_between_passphrase_and_tokens_while_its_store_is_open() {
    with_tokens("a_keyring_moves_between_passphrase_and_tokens_while_its_store_is_open", |lab| {
        let store = lab.open(&[lab.passphrase()]).unwrap();
        put(&store, 0);
        store.rewrap(&lab.token("one"), &mut OsRng).unwrap();
        assert_eq!(store.erasure(), Erasure::Medium);
        assert_eq!(lab.labels("one").len(), 2);
        // In the same token: new wrapping keys, and the old ones are gone.
        let labels = lab.labels("one");
        store.rewrap(&lab.token("one"), &mut OsRng).unwrap();
        assert_eq!(lab.labels("one").len(), 2);
        assert!(!lab.labels("one").iter().any(|label| labels.contains(label)));
        drop(store);
        let passphrase = lab.open(&[lab.passphrase()]);
        assert!(matches!(passphrase, Err(OpenError::Keyring(KeyringError::OtherSource))));

        let store = lab.open(&[lab.passphrase(), lab.token("one")]).unwrap();
        assert_eq!(*store.scan(SHARES).unwrap()[0].1, b"secret");
        store.rewrap(&lab.token("two"), &mut OsRng).unwrap();
        assert_eq!((lab.labels("one").len(), lab.labels("two").len()), (0, 2));
        store.rewrap(&lab.passphrase(), &mut OsRng).unwrap();
        assert_eq!((lab.labels("one").len(), lab.labels("two").len()), (0, 0));
        drop(store);
        assert_eq!(lab.open(&[lab.passphrase()]).unwrap().scan(SHARES).unwrap().len(), 1);
    });
}

#[test]
fn a_next_source_that_refuses_leaves_the_store_as_it_was() {
    with_tokens("a_next_source_that_refuses_leaves_the_store_as_it_was", |lab| {
        let store = lab.open(&[lab.passphrase()]).unwrap();
        put(&store, 0);
        write_secret(&lab.dir.join("pin"), "00000000");
        let refused = store.rewrap(&lab.token("one"), &mut OsRng);
        assert!(matches!(refused, Err(RewrapError::Refused(_))), "{refused:?}");
        store.add_data_key(&share(1)).unwrap();
        drop(store);
        drop(lab.open(&[lab.passphrase()]).unwrap());
    });
}

#[test]
fn a_token_that_fails_later_stops_every_further_change() {
    with_tokens("a_token_that_fails_later_stops_every_further_change", |lab| {
        let store = lab.open(&[lab.token("one")]).unwrap();
        put(&store, 0);
        // Somebody takes the wrapping key away: destroying it fails.
        let session = lab.session("one");
        for object in session.find_objects(&[]).unwrap() {
            session.destroy_object(object).unwrap();
        }
        let failed = store.erase_data_key(&share(0));
        assert!(matches!(failed, Err(KeyringError::Kek(KekError::Token(_)))), "{failed:?}");
        let next = store.add_data_key(&share(1));
        assert!(matches!(next, Err(KeyringError::FailedBefore)), "{next:?}");
    });
}

/// Adds, erases and wraps anew until it is killed.
fn torture(lab: &Lab) -> ! {
    let store = lab.open(&[lab.token("one")]).unwrap();
    let say = |what: String| {
        // One write call each: what the parent reads was written as a whole.
        std::io::stdout().write_all(format!("\n{what}\n").as_bytes()).unwrap();
    };
    let last = store.data_keys().iter().filter_map(epoch).max().unwrap_or(0);
    for number in last + 1.. {
        store.add_data_key(&share(number)).unwrap();
        say(format!("there {number}"));
        if number % 5 == 0 {
            store.rewrap(&lab.token("one"), &mut OsRng).unwrap();
        }
        if number > 3 {
            store.erase_data_key(&share(number - 3)).unwrap();
            say(format!("gone {}", number - 3));
        }
    }
    unreachable!("there is a next number")
}

fn epoch(id: &DataKeyId) -> Option<u64> {
    match id {
        DataKeyId::Root => None,
        DataKeyId::Share { epoch, .. } => Some(epoch.0),
    }
}

#[test]
fn a_kill_at_any_time_loses_no_key_and_leaves_none_that_was_erased() {
    with_tokens("a_kill_at_any_time_loses_no_key_and_leaves_none_that_was_erased", |lab| {
        if std::env::var_os(TORTURE).is_some() {
            torture(lab);
        }
        for round in 0..5_u64 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["a_kill_at_any_time_loses_no_key_and_leaves_none_that_was_erased"])
                .args(["--exact", "--nocapture"])
                .env(TORTURE, "1")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines =
                BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let mut said: Vec<_> = lines.by_ref().take(15 + 3 * round as usize).collect();
            std::thread::sleep(std::time::Duration::from_millis(30 * round));
            child.kill().unwrap();
            said.extend(lines);
            child.wait().unwrap();
            let numbers = |what: &str| {
                let of = |line: &String| line.strip_prefix(what)?.trim().parse().ok();
                said.iter().filter_map(of).collect::<Vec<u64>>()
            };
            let (there, gone) = (numbers("there"), numbers("gone"));
            assert!(there.len() > 3 && !gone.is_empty(), "{said:?}");

            let store = lab.open(&[lab.token("one")]).unwrap();
            let left: Vec<_> = store.data_keys().iter().filter_map(epoch).collect();
            // The oldest that was not said to be gone may have been on its way.
            let oldest = gone.iter().max().unwrap() + 2;
            let lost: Vec<_> =
                there.iter().filter(|n| **n >= oldest && !left.contains(n)).collect();
            assert!(lost.is_empty(), "lost {lost:?}, left {left:?}");
            assert!(gone.iter().all(|number| !left.contains(number)), "{left:?}");
            assert_eq!(lab.labels("one").len(), left.len() + 1, "nothing is left over");
        }
    });
}
