//! The facts about one effect: computed here, given to the rules, and shown in explanations.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::{Context, Entities, EntityUid, Request, RestrictedExpression};
use quorate_intent::{Amount, Asset, Effect};
use quorate_model::Timestamp;

use super::given::Given;
use crate::amount::Scaled;
use crate::bundle::Bundle;
use crate::subject::SigningSubject;

/// Why a fact could not be computed exactly.
#[derive(Debug, thiserror::Error)]
pub(super) enum FactError {
    #[error("{of}: asset {asset} is not in the bundle's registry, so its decimals are unknown")]
    UnknownAsset { of: &'static str, asset: String },
    #[error(
        "{of}: {base_units} base units of {asset} are more than a rule can compare (2^63 - 1 billionths of a token)"
    )]
    TooLarge { of: &'static str, base_units: String, asset: String },
    #[error("the payload has more effects than a rule can count")]
    TooManyEffects,
    #[error("the facts do not fit the schema: {0}")]
    Schema(String),
}

/// Everything that a rule can ask about one effect of a payload.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    asset: Asset,
    pub(super) principal: EntityUid,
    pub(super) action: EntityUid,
    pub(super) resource: EntityUid,
    context: BTreeMap<&'static str, Fact>,
    /// What providers said, in words.
    said: Vec<String>,
}

#[derive(Debug, Clone)]
enum Fact {
    Bool(bool),
    Number(i64),
    Text(String),
    Names(Vec<String>),
    /// The verdicts that hold, and what providers said.
    Verdicts {
        names: Vec<String>,
        said: Vec<String>,
    },
    Amount(Scaled),
    Address {
        uid: EntityUid,
        text: String,
    },
    Time(Timestamp),
}

impl Facts {
    /// What does not change between the questions about one subject.
    pub(super) fn new(
        bundle: &Bundle,
        subject: &SigningSubject<'_>,
        effect: &Effect,
    ) -> Result<Self, FactError> {
        let (intent, vocabulary) = (subject.intent, &bundle.vocabulary);
        let asset = &effect.amount.asset;
        let limits = bundle.tables.limits.iter();
        let held = limits.filter(|(_, limit)| limit.asset == *asset && limit.holds(intent));
        let flags = effect.flags.iter().map(|flag| flag.as_str().to_owned());
        let said = subject.ratings.iter().map(|(provider, rating)| {
            format!("{provider} said {} at {}", rating.level, rating.issued)
        });
        let effects = i64::try_from(intent.effects.len());
        let context = BTreeMap::from([
            ("chain", Fact::Text(intent.network.to_string())),
            ("asset", Fact::Text(asset.as_str().to_owned())),
            ("amount", Fact::Amount(scale(bundle, "amount", &effect.amount)?)),
            // An unknown asset has been refused in the line above.
            ("asset_known", Fact::Bool(true)),
            ("fee", Fact::Amount(scale(bundle, "fee", &intent.fee)?)),
            (
                "destination",
                Fact::Address {
                    uid: vocabulary.address(intent.network, &effect.destination),
                    text: effect.destination.as_str().to_owned(),
                },
            ),
            ("flags", Fact::Names(flags.collect())),
            ("limits", Fact::Names(held.map(|(name, _)| name.clone()).collect())),
            ("effects", Fact::Number(effects.map_err(|_| FactError::TooManyEffects)?)),
            ("now", Fact::Time(subject.now)),
        ]);
        Ok(Self {
            asset: asset.clone(),
            principal: vocabulary.service(subject.service),
            action: vocabulary.action(effect.kind),
            resource: vocabulary.key(subject.key),
            context,
            said: said.collect(),
        })
    }

    /// The same, where these quorums are met, these windows and calendars are open, and these verdicts
    /// hold.
    pub(super) fn given(&self, bundle: &Bundle, given: &Given) -> Self {
        let on_asset = |name: &&String| {
            bundle.tables.windows.get(*name).is_some_and(|window| window.asset == self.asset)
        };
        let mut facts = self.clone();
        facts.context.extend([
            ("quorums", Fact::Names(given.quorums.iter().cloned().collect())),
            ("windows", Fact::Names(given.windows.iter().filter(on_asset).cloned().collect())),
            ("calendars", Fact::Names(given.calendars.iter().cloned().collect())),
            (
                "verdicts",
                Fact::Verdicts {
                    names: given.verdicts.iter().cloned().collect(),
                    said: self.said.clone(),
                },
            ),
        ]);
        facts
    }

    /// The request to ask the rules, checked against the schema.
    pub(super) fn request(&self, bundle: &Bundle) -> Result<Request, FactError> {
        let schema = |error: &dyn fmt::Display| FactError::Schema(error.to_string());
        let pairs = self.context.iter().map(|(name, fact)| ((*name).to_owned(), fact));
        let pairs = pairs
            .map(|(name, fact)| Ok((name, fact.expression()?)))
            .collect::<Result<Vec<_>, FactError>>()?;
        let context = Context::from_pairs(pairs).map_err(|error| schema(&error))?;
        Request::new(
            self.principal.clone(),
            self.action.clone(),
            self.resource.clone(),
            context,
            Some(&bundle.vocabulary.schema),
        )
        .map_err(|error| schema(&error))
    }

    /// Every fact as an explanation shows it.
    pub(super) fn all_observed(&self, entities: &Entities) -> Vec<String> {
        let scope = [&["principal"][..], &["action"], &["resource"], &["resource", "tier"]];
        let context = self.context.keys().map(|name| vec!["context", *name]);
        let paths = scope.into_iter().map(<[_]>::to_vec).chain(context);
        let owned = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect::<Vec<_>>();
        paths.map(|path| self.observed(&owned(path), entities)).collect()
    }

    /// The value of a fact as an explanation shows it, such as `limits = ["small"]`.
    pub(super) fn observed(&self, path: &[String], entities: &Entities) -> String {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["principal"] => format!("principal = {}", member(&self.principal, entities, "groups")),
            ["action"] => format!("action = {:?}", self.action.id().unescaped()),
            ["resource"] => format!("resource = {}", member(&self.resource, entities, "vaults")),
            ["resource", attribute] => {
                let key = entities.get(&self.resource);
                match key.and_then(|key| key.attr(attribute)) {
                    Some(Ok(value)) => format!("resource.{attribute} = {value}"),
                    Some(Err(_)) | None => format!("resource.{attribute} is unknown"),
                }
            }
            ["context", name, rest @ ..] => match (self.context.get(name), rest) {
                (Some(Fact::Amount(scaled)), ["units"]) => {
                    format!("{name}.units = {}", scaled.units)
                }
                (Some(Fact::Amount(scaled)), ["nano"]) => format!("{name}.nano = {}", scaled.nano),
                (Some(Fact::Address { uid, text }), _) => {
                    format!("{name} = {text}, in lists {:?}", parents(uid, entities))
                }
                (Some(fact), _) => format!("{name} = {fact}"),
                (None, _) => format!("{name} is unknown"),
            },
            _ => format!("{} is unknown", path.join(".")),
        }
    }
}

impl Fact {
    fn expression(&self) -> Result<RestrictedExpression, FactError> {
        let text = |text: &String| RestrictedExpression::new_string(text.clone());
        Ok(match self {
            Self::Bool(bool) => RestrictedExpression::new_bool(*bool),
            Self::Number(number) => RestrictedExpression::new_long(*number),
            Self::Text(value) => text(value),
            Self::Names(names) | Self::Verdicts { names, .. } => {
                RestrictedExpression::new_set(names.iter().map(text))
            }
            Self::Amount(scaled) => RestrictedExpression::new_record([
                ("units".to_owned(), RestrictedExpression::new_long(scaled.units)),
                ("nano".to_owned(), RestrictedExpression::new_long(scaled.nano)),
            ])
            .map_err(|error| FactError::Schema(error.to_string()))?,
            Self::Address { uid, .. } => RestrictedExpression::new_entity_uid(uid.clone()),
            Self::Time(time) => RestrictedExpression::new_datetime(time.to_string()),
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Names(names) => write!(f, "{names:?}"),
            Self::Verdicts { names, said } if said.is_empty() => write!(f, "{names:?}"),
            Self::Verdicts { names, said } => write!(f, "{names:?} ({})", said.join(", ")),
            Self::Amount(scaled) => write!(f, "{{units: {}, nano: {}}}", scaled.units, scaled.nano),
            Self::Address { text, .. } => f.write_str(text),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

fn scale(bundle: &Bundle, of: &'static str, amount: &Amount) -> Result<Scaled, FactError> {
    let asset = || amount.asset.as_str().to_owned();
    let registered = bundle
        .asset(&amount.asset)
        .ok_or_else(|| FactError::UnknownAsset { of, asset: asset() })?;
    Scaled::from_base_units(amount.base_units, registered.decimals).ok_or_else(|| {
        FactError::TooLarge { of, base_units: amount.base_units.to_string(), asset: asset() }
    })
}

fn member(uid: &EntityUid, entities: &Entities, of: &str) -> String {
    format!("{:?}, in {of} {:?}", uid.id().unescaped(), parents(uid, entities))
}

/// What an entity is in, by name, sorted.
fn parents(uid: &EntityUid, entities: &Entities) -> Vec<String> {
    let ancestors = entities.ancestors(uid).into_iter().flatten();
    let mut names: Vec<_> = ancestors.map(|uid| uid.id().unescaped().to_owned()).collect();
    names.sort();
    names
}
