//! The schema, and the names of what it declares.

use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use quorate_intent::{Address, EffectKind};
use quorate_model::{KeyId, Network, ServiceName};

use super::BundleError;

#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    pub(crate) schema: Schema,
    action: EntityTypeName,
    address: EntityTypeName,
    address_list: EntityTypeName,
    group: EntityTypeName,
    key: EntityTypeName,
    service: EntityTypeName,
    vault: EntityTypeName,
}

impl Vocabulary {
    pub(super) fn new() -> Result<Self, BundleError> {
        let (schema, _warnings) =
            Schema::from_cedarschema_str(include_str!("../schema.cedarschema"))
                .map_err(|error| BundleError::Schema(error.to_string()))?;
        let name = |basename: &str| {
            EntityTypeName::from_str(&format!("Custody::{basename}"))
                .map_err(|error| BundleError::Schema(error.to_string()))
        };
        Ok(Self {
            schema,
            action: name("Action")?,
            address: name("Address")?,
            address_list: name("AddressList")?,
            group: name("Group")?,
            key: name("Key")?,
            service: name("Service")?,
            vault: name("Vault")?,
        })
    }

    pub(crate) fn action(&self, kind: EffectKind) -> EntityUid {
        uid(&self.action, kind.as_str())
    }

    pub(crate) fn service(&self, service: &ServiceName) -> EntityUid {
        uid(&self.service, service.as_str())
    }

    pub(crate) fn key(&self, key: &KeyId) -> EntityUid {
        uid(&self.key, key.as_str())
    }

    /// The network is part of the name (CAIP-10), for one text can be an address of several.
    pub(crate) fn address(&self, network: Network, address: &Address) -> EntityUid {
        uid(&self.address, &format!("{network}:{address}"))
    }

    pub(super) fn address_list(&self, name: &str) -> EntityUid {
        uid(&self.address_list, name)
    }

    pub(super) fn group(&self, name: &str) -> EntityUid {
        uid(&self.group, name)
    }

    pub(super) fn vault(&self, name: &str) -> EntityUid {
        uid(&self.vault, name)
    }
}

fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}
