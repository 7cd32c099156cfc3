//! PKCS#11 modules: loaded once in a process, and never unloaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::RawAuthPin;

use super::{Token, TokenError};
use crate::kek::KekError;
use crate::kek::secret::SecretSource;

/// A module is initialised for the whole process, and some do not survive being unloaded.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// A session with the token, as its user. It ends when it is dropped.
pub(super) fn log_in(token: &Token, pin: &SecretSource) -> Result<Session, KekError> {
    let module = load(&token.module)?;
    let slot = find(&module, token)?;
    let failed = |source| TokenError::new("opening a session", source);
    let session = module.open_rw_session(slot).map_err(failed)?;
    pin.with(|pin| {
        // Zeroized when it is dropped.
        let pin = RawAuthPin::new(Box::new(pin.secret_bytes().to_vec()));
        let failed = |source| TokenError::new("logging in", source);
        session.login_with_raw(UserType::User, &pin).map_err(failed)?;
        Ok::<(), KekError>(())
    })?;
    Ok(session)
}

fn load(path: &Path) -> Result<Pkcs11, TokenError> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let loaded = Pkcs11::new(path);
    let module = loaded.map_err(|source| TokenError::Module { path: path.to_owned(), source })?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(source) => return Err(TokenError::Module { path: path.to_owned(), source }),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn find(module: &Pkcs11, token: &Token) -> Result<Slot, TokenError> {
    let failed = |source| TokenError::new("listing tokens", source);
    let mut slots = Vec::new();
    let mut there = Vec::new();
    for slot in module.get_slots_with_initialized_token().map_err(failed)? {
        let info = module.get_token_info(slot).map_err(failed)?;
        if info.label() == token.label {
            slots.push(slot);
        }
        there.push(info.label().to_owned());
    }
    match slots[..] {
        [slot] => Ok(slot),
        [] => Err(TokenError::NoSuchToken { label: token.label.clone(), there: there.join(", ") }),
        [..] => Err(TokenError::SameLabel { label: token.label.clone() }),
    }
}
