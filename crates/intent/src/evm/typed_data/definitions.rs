//! The declared types, and that values are of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{TypedDataError, leaf};

/// The type of the domain.
pub(super) const DOMAIN: &str = "EIP712Domain";

/// The fields that a domain can have, in their order (EIP-712).
const DOMAIN_FIELDS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

const DEFINITIONS_MAX: usize = 64;
const NAME_MAX: usize = 128;

/// Fields of a type with those of all types in it, each as often as it is there.
const FIELDS_MAX: usize = 1_024;

/// Dimensions of an array.
const DIMENSIONS_MAX: usize = 4;

/// The structs of a document: field by field, name and type.
#[derive(Debug)]
pub(super) struct Definitions(BTreeMap<String, Vec<(String, String)>>);

impl Definitions {
    pub(super) fn read(types: &Value) -> Result<Self, TypedDataError> {
        let types = types.as_object().filter(|types| types.len() <= DEFINITIONS_MAX);
        let types = types.ok_or(TypedDataError::Members)?;
        let definitions = types.iter().map(|(name, fields)| {
            let fields = is_name(name).then(|| read_fields(fields)).flatten();
            // Nothing elementary is declared anew.
            let fields = fields.filter(|_| !leaf::is_elementary(name) && name.len() <= NAME_MAX);
            let refusal = || TypedDataError::Declaration { name: crate::quote::quoted(name) };
            Ok((name.clone(), fields.ok_or_else(refusal)?))
        });
        let definitions = Self(definitions.collect::<Result<_, _>>()?);
        for field_type in definitions.0.values().flatten().map(|(_, of)| of) {
            let (stem, dimensions) = array(field_type).ok_or_else(|| undeclared(field_type))?;
            let known = leaf::is_elementary(stem) || definitions.0.contains_key(stem);
            if !known || stem == DOMAIN || dimensions.len() > DIMENSIONS_MAX {
                return Err(undeclared(field_type));
            }
        }
        Ok(definitions)
    }

    /// That the domain's type is some of the fields of EIP-712, in their order.
    pub(super) fn check_domain(&self) -> Result<(), TypedDataError> {
        let fields = self.0.get(DOMAIN).ok_or(TypedDataError::DomainType)?;
        let mut known = DOMAIN_FIELDS.iter();
        let in_order = fields.iter().all(|(name, of)| known.any(|known| *known == (name, of)));
        if in_order && !fields.is_empty() { Ok(()) } else { Err(TypedDataError::DomainType) }
    }

    /// That the primary type is declared, uses every other type, and has an end.
    pub(super) fn check_use(&self, primary: &str) -> Result<(), TypedDataError> {
        if !self.0.contains_key(primary) {
            return Err(undeclared(primary));
        }
        let mut used = BTreeSet::from([DOMAIN.to_owned()]);
        self.size(primary, &mut Vec::new(), &mut used)?;
        match self.0.keys().find(|name| !used.contains(*name)) {
            Some(unused) => Err(TypedDataError::UnusedType { name: crate::quote::quoted(unused) }),
            None => Ok(()),
        }
    }

    /// How many fields a value of a type has, with those of the types in it: alloy writes a type out as
    /// often as it is used.
    fn size<'a>(
        &'a self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        used: &mut BTreeSet<String>,
    ) -> Result<usize, TypedDataError> {
        let refusal =
            || TypedDataError::Recursive { name: crate::quote::quoted(name), max: FIELDS_MAX };
        if path.contains(&name) {
            return Err(refusal());
        }
        used.insert(name.to_owned());
        path.push(name);
        let mut size = 0_usize;
        for (_, of) in self.0.get(name).into_iter().flatten() {
            let stem = array(of).map_or(of.as_str(), |(stem, _)| stem);
            let inner = if self.0.contains_key(stem) { self.size(stem, path, used)? } else { 0 };
            size = size.saturating_add(inner).saturating_add(1);
            if size > FIELDS_MAX {
                return Err(refusal());
            }
        }
        path.pop();
        Ok(size)
    }

    /// That a value has exactly the fields of a struct, each of its type.
    pub(super) fn check_value(
        &self,
        name: &str,
        value: &Value,
        place: &str,
    ) -> Result<(), TypedDataError> {
        let wrong = || TypedDataError::Value { place: place.to_owned(), name: name.to_owned() };
        let fields = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let values = value.as_object().ok_or_else(wrong)?;
        let differs =
            fields.iter().map(|(field, _)| field).find(|field| !values.contains_key(*field));
        let declared = |field: &&String| !fields.iter().any(|(name, _)| name == *field);
        if let Some(field) = differs.or_else(|| values.keys().find(declared)) {
            return Err(TypedDataError::Fields {
                place: place.to_owned(),
                name: name.to_owned(),
                field: crate::quote::quoted(field),
            });
        }
        fields.iter().try_for_each(|(field, of)| self.check_field(field, of, values, place))
    }

    fn check_field(
        &self,
        field: &str,
        of: &str,
        values: &Map<String, Value>,
        place: &str,
    ) -> Result<(), TypedDataError> {
        let place = format!("{place}.{field}");
        let (stem, dimensions) = array(of).ok_or_else(|| undeclared(of))?;
        let mut items = vec![values.get(field).unwrap_or(&Value::Null)];
        for dimension in dimensions.iter().rev() {
            let mut inner = Vec::new();
            for item in items {
                let list = item.as_array();
                let list = list.filter(|list| dimension.is_none_or(|size| size == list.len()));
                let wrong = || TypedDataError::Value { place: place.clone(), name: of.to_owned() };
                inner.extend(list.ok_or_else(wrong)?);
            }
            items = inner;
        }
        items.into_iter().try_for_each(|item| {
            if self.0.contains_key(stem) {
                self.check_value(stem, item, &place)
            } else if leaf::is_spelled_as(stem, item) {
                Ok(())
            } else {
                Err(TypedDataError::Value { place: place.clone(), name: of.to_owned() })
            }
        })
    }
}

/// The fields of a declaration: each an object of name and type, no name twice.
fn read_fields(fields: &Value) -> Option<Vec<(String, String)>> {
    let fields = fields.as_array()?.iter().map(|field| {
        let field = field.as_object().filter(|field| field.len() == 2)?;
        let (name, of) = (field.get("name")?.as_str()?, field.get("type")?.as_str()?);
        (is_name(name) && name.len() <= NAME_MAX && of.len() <= NAME_MAX)
            .then(|| (name.to_owned(), of.to_owned()))
    });
    let fields: Vec<_> = fields.collect::<Option<_>>()?;
    let names: BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
    (names.len() == fields.len()).then_some(fields)
}

/// An identifier of Solidity: whatever else stands in a name could pass for the rest of a type.
fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$';
    letters.next().is_some_and(is_letter)
        && letters.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// What an array is of, and its dimensions, the outermost last: `uint8[2][]` is of `uint8`.
fn array(of: &str) -> Option<(&str, Vec<Option<usize>>)> {
    let (stem, rest) = match of.find('[') {
        Some(at) => of.split_at_checked(at)?,
        None => (of, ""),
    };
    let mut dimensions = Vec::new();
    let mut rest = rest;
    while !rest.is_empty() {
        let (size, after) = rest.strip_prefix('[')?.split_once(']')?;
        dimensions.push(match size {
            "" => None,
            size => {
                let number = size.parse::<usize>().ok();
                Some(number.filter(|number| *number > 0 && number.to_string() == size)?)
            }
        });
        rest = after;
    }
    Some((stem, dimensions))
}

fn undeclared(name: &str) -> TypedDataError {
    TypedDataError::UndeclaredType { name: crate::quote::quoted(name) }
}
