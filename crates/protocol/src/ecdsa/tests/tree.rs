//! A message of the library, taken apart into its fields by how it writes itself: a field that another
//! version has shows here without anybody listing it.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::Error;
use serde::ser::{self, Error as _, Impossible, Serializer};

/// A message in parts, in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// So many bytes as it always has.
    Array(Vec<u8>),
    /// Bytes behind their number.
    Bytes(Vec<u8>),
    /// Items behind their number.
    Items(Vec<Self>),
    /// Fields, by name.
    Fields(Vec<(String, Self)>),
}

/// Where a field is, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) path: Vec<usize>,
}

impl Tree {
    /// Takes bytes apart that are exactly one `T`.
    pub(super) fn of<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Self> {
        let (value, rest) = postcard::take_from_bytes::<T>(bytes).ok()?;
        rest.is_empty().then(|| value.serialize(ToTree).unwrap())
    }

    /// The bytes, as the library would write them.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Array(bytes) => bytes.clone(),
            Self::Bytes(bytes) => [number(bytes.len()), bytes.clone()].concat(),
            Self::Items(items) => {
                let items = items.iter().flat_map(Self::encode);
                number(self.parts()).into_iter().chain(items).collect()
            }
            Self::Fields(fields) => fields.iter().flat_map(|(_, field)| field.encode()).collect(),
        }
    }

    /// Every field at every depth, the message itself first; of lists the last item.
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut found = Vec::new();
        self.find(String::new(), Vec::new(), &mut found);
        found
    }

    fn find(&self, name: String, path: Vec<usize>, found: &mut Vec<Field>) {
        found.push(Field { name: name.clone(), path: path.clone() });
        let inside = |index: usize| path.iter().copied().chain([index]).collect();
        match self {
            Self::Array(_) | Self::Bytes(_) => {}
            Self::Items(items) => {
                if let Some(last) = items.last() {
                    last.find(format!("{name}[]"), inside(items.len() - 1), found);
                }
            }
            Self::Fields(fields) => {
                for (index, (inner, field)) in fields.iter().enumerate() {
                    let dot = if name.is_empty() { "" } else { "." };
                    field.find(format!("{name}{dot}{inner}"), inside(index), found);
                }
            }
        }
    }

    pub(super) fn at(&self, path: &[usize]) -> Option<&Self> {
        let Some((index, rest)) = path.split_first() else { return Some(self) };
        match self {
            Self::Array(_) | Self::Bytes(_) => None,
            Self::Items(items) => items.get(*index)?.at(rest),
            Self::Fields(fields) => fields.get(*index)?.1.at(rest),
        }
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((index, rest)) = path.split_first() else { return Some(self) };
        match self {
            Self::Array(_) | Self::Bytes(_) => None,
            Self::Items(items) => items.get_mut(*index)?.at_mut(rest),
            Self::Fields(fields) => fields.get_mut(*index)?.1.at_mut(rest),
        }
    }

    /// Takes a field out; of a list, an item.
    pub(super) fn omit(&mut self, path: &[usize]) {
        let Some((index, of)) = path.split_last() else {
            *self = Self::Fields(Vec::new());
            return;
        };
        match self.at_mut(of) {
            Some(Self::Items(items)) => drop(items.remove(*index)),
            Some(Self::Fields(fields)) => drop(fields.remove(*index)),
            Some(Self::Array(_) | Self::Bytes(_)) | None => panic!("no field"),
        }
    }

    /// Every byte that is no length.
    pub(super) fn bytes_mut(&mut self) -> Vec<&mut u8> {
        match self {
            Self::Array(bytes) | Self::Bytes(bytes) => bytes.iter_mut().collect(),
            Self::Items(items) => items.iter_mut().flat_map(Self::bytes_mut).collect(),
            Self::Fields(fields) => fields.iter_mut().flat_map(|(_, f)| f.bytes_mut()).collect(),
        }
    }

    /// One item or byte less, behind a number that says so where there is one.
    pub(super) fn shorten(&mut self) {
        match self {
            Self::Array(bytes) | Self::Bytes(bytes) => drop(bytes.pop()),
            Self::Items(items) => drop(items.pop()),
            Self::Fields(fields) => {
                if let Some((_, last)) = fields.last_mut() {
                    last.shorten();
                }
            }
        }
    }

    /// One item or byte more.
    pub(super) fn lengthen(&mut self) {
        match self {
            Self::Array(bytes) | Self::Bytes(bytes) => bytes.push(0),
            Self::Items(items) => items.extend(items.last().cloned()),
            Self::Fields(fields) => fields.push(("more".to_owned(), Self::Array(vec![0]))),
        }
    }

    fn parts(&self) -> usize {
        match self {
            Self::Array(bytes) | Self::Bytes(bytes) => bytes.len(),
            Self::Items(items) => items.len(),
            Self::Fields(fields) => fields.len(),
        }
    }
}

/// As postcard writes a number.
fn number(value: usize) -> Vec<u8> {
    postcard::to_allocvec(&value).unwrap()
}

/// Bytes one after the other are one field, and no list.
fn bytes_of(items: &[Tree]) -> Option<Vec<u8>> {
    let byte = |item: &Tree| match item {
        Tree::Array(bytes) if bytes.len() == 1 => bytes.first().copied(),
        Tree::Array(_) | Tree::Bytes(_) | Tree::Items(_) | Tree::Fields(_) => None,
    };
    items.iter().map(byte).collect()
}

/// Makes a [`Tree`] of what is written.
struct ToTree;

/// Of something with parts.
struct Parts {
    counted: bool,
    fields: Vec<(String, Tree)>,
}

impl Parts {
    fn new(counted: bool) -> Self {
        Self { counted, fields: Vec::new() }
    }

    fn push(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.fields.push((name.to_owned(), value.serialize(ToTree)?));
        Ok(())
    }

    fn push_next(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.push(&self.fields.len().to_string(), value)
    }

    fn list(self) -> Result<Tree, Error> {
        let items: Vec<_> = self.fields.iter().map(|(_, item)| item.clone()).collect();
        Ok(match (bytes_of(&items).filter(|bytes| bytes.len() > 1), self.counted) {
            (Some(bytes), true) => Tree::Bytes(bytes),
            (Some(bytes), false) => Tree::Array(bytes),
            (None, true) => Tree::Items(items),
            (None, false) => Tree::Fields(self.fields),
        })
    }
}

macro_rules! parts {
    ($($of:ident $add:ident),*) => {$(
        impl ser::$of for Parts {
            type Ok = Tree;
            type Error = Error;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push_next(value)
            }

            fn end(self) -> Result<Tree, Error> {
                self.list()
            }
        }
    )*};
}
parts!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field
);

impl ser::SerializeStruct for Parts {
    type Ok = Tree;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.push(name, value)
    }

    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Fields(self.fields))
    }
}

/// What no message has: a version that has it needs its line here.
fn unknown<T>(what: impl Display) -> Result<T, Error> {
    Err(Error::custom(format!("{what} in a message of the library")))
}

macro_rules! unknown {
    ($($name:ident($($kind:ty),*) -> $out:ty;)*) => {$(
        fn $name(self, $(_: $kind),*) -> Result<$out, Error> {
            unknown(stringify!($name))
        }
    )*};
}

impl Serializer for ToTree {
    type Ok = Tree;
    type Error = Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Impossible<Tree, Error>;
    type SerializeMap = Impossible<Tree, Error>;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Impossible<Tree, Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_u8(self, byte: u8) -> Result<Tree, Error> {
        Ok(Tree::Array(vec![byte]))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Tree, Error> {
        Ok(Tree::Bytes(bytes.to_vec()))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts::new(true))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Error> {
        Ok(Parts::new(false))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Error> {
        Ok(Parts::new(false))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Error> {
        Ok(Parts::new(false))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Tree, Error> {
        unknown("an option")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Tree, Error> {
        unknown(name)
    }

    unknown! {
        serialize_bool(bool) -> Tree;
        serialize_i8(i8) -> Tree;
        serialize_i16(i16) -> Tree;
        serialize_i32(i32) -> Tree;
        serialize_i64(i64) -> Tree;
        serialize_u16(u16) -> Tree;
        serialize_u32(u32) -> Tree;
        serialize_u64(u64) -> Tree;
        serialize_f32(f32) -> Tree;
        serialize_f64(f64) -> Tree;
        serialize_char(char) -> Tree;
        serialize_str(&str) -> Tree;
        serialize_none() -> Tree;
        serialize_unit() -> Tree;
        serialize_unit_struct(&'static str) -> Tree;
        serialize_unit_variant(&'static str, u32, &'static str) -> Tree;
        serialize_map(Option<usize>) -> Impossible<Tree, Error>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<Tree, Error>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<Tree, Error>;
    }
}
