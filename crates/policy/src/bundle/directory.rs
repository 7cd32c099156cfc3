//! Who and what the bundle's tables name, as Cedar entities: built once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};
use quorate_intent::Address;
use quorate_model::{KeyId, Network, ServiceName};

use super::BundleError;
use super::document::Document;
use super::vocabulary::Vocabulary;

/// The tier of a key that the bundle does not list.
const TIER_UNLISTED: &str = "unlisted";

#[derive(Debug, Clone)]
pub(crate) struct Directory(Entities);

impl Directory {
    pub(super) fn new(document: &Document, vocabulary: &Vocabulary) -> Result<Self, BundleError> {
        let mut table = Table::default();
        for (name, group) in &document.groups {
            let uid = vocabulary.group(name);
            for service in &group.services {
                let service: ServiceName = parse("groups", name, service)?;
                table.put_under(vocabulary.service(&service), uid.clone());
            }
            table.put(uid);
        }
        for (name, list) in &document.lists {
            let uid = vocabulary.address_list(name);
            let network: Network = parse("lists", name, &list.network)?;
            for text in &list.addresses {
                let address = Address::parse(text, network)
                    .map_err(|error| BundleError::entry("lists", name, error))?;
                table.put_under(vocabulary.address(network, &address), uid.clone());
            }
            table.put(uid);
        }
        let mut entities = Vec::new();
        for (name, key) in &document.keys {
            let uid = vocabulary.key(&parse("keys", name, name)?);
            let vault = key.vault.as_ref().map(|name| vocabulary.vault(name));
            entities.push(key_entity(uid, &key.tier, vault.clone())?);
            vault.into_iter().for_each(|vault| table.put(vault));
        }
        entities.extend(table.into_entities());
        Entities::from_entities(entities, Some(&vocabulary.schema))
            .map(Self)
            .map_err(|error| BundleError::Schema(error.to_string()))
    }

    /// Whether the bundle (or the schema, for actions) declares the entity.
    pub(super) fn contains(&self, uid: &EntityUid) -> bool {
        self.0.get(uid).is_some()
    }

    /// The entities for a request about a key: those of the bundle, and the key itself where the
    /// bundle does not list it. A service or an address that is not listed needs no entity: it is
    /// in no group and in no list.
    ///
    /// # Errors
    /// What Cedar says.
    pub(crate) fn with_key(
        &self,
        key: &KeyId,
        vocabulary: &Vocabulary,
    ) -> Result<Cow<'_, Entities>, String> {
        let uid = vocabulary.key(key);
        if self.contains(&uid) {
            return Ok(Cow::Borrowed(&self.0));
        }
        let entity = key_entity(uid, TIER_UNLISTED, None).map_err(|error| error.to_string())?;
        let entities = self.0.clone().add_entities([entity], Some(&vocabulary.schema));
        entities.map(Cow::Owned).map_err(|error| error.to_string())
    }
}

/// Entities without attributes, and what they are in.
#[derive(Default)]
struct Table(BTreeMap<EntityUid, BTreeSet<EntityUid>>);

impl Table {
    fn put(&mut self, uid: EntityUid) {
        self.0.entry(uid).or_default();
    }

    fn put_under(&mut self, uid: EntityUid, parent: EntityUid) {
        self.0.entry(uid).or_default().insert(parent);
    }

    fn into_entities(self) -> impl Iterator<Item = Entity> {
        self.0
            .into_iter()
            .map(|(uid, parents)| Entity::new_no_attrs(uid, parents.into_iter().collect()))
    }
}

fn key_entity(uid: EntityUid, tier: &str, vault: Option<EntityUid>) -> Result<Entity, BundleError> {
    let tier = RestrictedExpression::new_string(tier.to_owned());
    let attributes = [("tier".to_owned(), tier)].into_iter().collect();
    Entity::new(uid, attributes, vault.into_iter().collect())
        .map_err(|error| BundleError::Schema(error.to_string()))
}

fn parse<T>(table: &'static str, entry: &str, text: &str) -> Result<T, BundleError>
where
    T: FromStr<Err: fmt::Display>,
{
    text.parse().map_err(|error| BundleError::entry(table, entry, error))
}
