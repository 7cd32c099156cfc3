//! Reading this crate's own formats, field by field.

/// What is left of some bytes. Every method is `None` when less is left than it takes.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// A field with its length, two bytes, before it.
    pub(crate) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(length.into())
    }

    /// What is left but for the last bytes, and these.
    pub(crate) fn split_last(self, length: usize) -> Option<(Self, &'a [u8])> {
        let (rest, last) = self.0.split_at_checked(self.0.len().checked_sub(length)?)?;
        Some((Self(rest), last))
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Everything that is left.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None` when anything is left.
    pub(crate) const fn finish(self) -> Option<()> {
        if self.is_empty() { Some(()) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_reads_beyond_the_end() {
        let mut fields = Fields::new(&[1, 0, 2, 0, 0, 0, 3, 9]);
        assert_eq!((fields.u8(), fields.u16(), fields.u32()), (Some(1), Some(2), Some(3)));
        assert_eq!((fields.u16(), fields.u64(), fields.bytes(2)), (None, None, None));
        assert_eq!(fields.bytes(1), Some(&[9][..]));
        assert_eq!(fields.finish(), Some(()));
        assert_eq!(Fields::new(&[1]).finish(), None);
        assert_eq!(Fields::new(&[0, 2, 7, 8]).prefixed(), Some(&[7, 8][..]));
        assert_eq!(Fields::new(&[0, 2, 7]).prefixed(), None);
        assert_eq!(Fields::new(&[1, 2]).split_last(1).map(|(_, last)| last), Some(&[2][..]));
        assert!(Fields::new(&[1]).split_last(2).is_none());
    }
}
