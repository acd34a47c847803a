//! Sequences and byte strings that know their largest length, for every message on the wire.
//!
//! A frame's limit in bytes is generous for elements that are one byte on the wire and large in memory
//! (`Option<Report>`): they multiply a frame a hundredfold. [`Bounded`] and [`Blob`] refuse the count **before** the first
//! element is read, and a type without size doesn't compile.
//!
//! Not here: the bytes themselves ([`crate::wire`]).

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At most `N` elements of a type that takes room.
///
/// ```compile_fail
/// # use venia_proto::bounded::Bounded;
/// // A sequence of nothing can claim any length.
/// let nothing: Bounded<(), 8> = Bounded::new(vec![()]).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounded<T, const N: usize>(Vec<T>);

/// At most `N` bytes, copied as one block.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob<const N: usize>(Vec<u8>);

/// More elements or bytes than fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} elements where at most {max} fit")]
pub struct TooMany {
    /// How many there were.
    pub given: usize,
    /// How many fit.
    pub max: usize,
}

impl<T, const N: usize> Bounded<T, N> {
    /// Fails to compile for types without size.
    const TAKES_ROOM: () = assert!(size_of::<T>() > 0, "a sequence of zero-sized elements can claim any length");

    /// Refuses more than `N` elements.
    pub fn new(elements: Vec<T>) -> Result<Self, TooMany> {
        const { Self::TAKES_ROOM };
        if elements.len() > N { Err(TooMany { given: elements.len(), max: N }) } else { Ok(Self(elements)) }
    }

    /// No elements.
    pub fn empty() -> Self {
        const { Self::TAKES_ROOM };
        Self(Vec::new())
    }

    /// The elements.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<const N: usize> Blob<N> {
    /// Refuses more than `N` bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooMany> {
        if bytes.len() > N { Err(TooMany { given: bytes.len(), max: N }) } else { Ok(Self(bytes)) }
    }

    /// The bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<T, const N: usize> Deref for Bounded<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<const N: usize> Deref for Blob<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<T, const N: usize> Default for Bounded<T, N> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Bounded<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// The length only: contents may be a person's data.
impl<const N: usize> fmt::Debug for Blob<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<T: Serialize, const N: usize> Serialize for Bounded<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<const N: usize> Serialize for Blob<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Bounded<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const { Self::TAKES_ROOM };
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Blob<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = Bounded<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        if let Some(given) = sequence.size_hint().filter(|&given| given > N) {
            return Err(A::Error::custom(TooMany { given, max: N }));
        }
        // Grows as elements arrive: a claimed length alone reserves nothing.
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            if elements.len() == N {
                return Err(A::Error::custom(TooMany { given: N + 1, max: N }));
            }
            elements.push(element);
        }
        Ok(Bounded(elements))
    }
}

struct Bytes<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
    type Value = Blob<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        // Checked before the copy; the decoder lends the frame's own bytes.
        if bytes.len() > N {
            return Err(E::custom(TooMany { given: bytes.len(), max: N }));
        }
        Ok(Blob(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_below_and_above_the_bound() {
        assert!(Bounded::<u8, 3>::new(vec![1, 2]).is_ok());
        assert!(Bounded::<u8, 3>::new(vec![1, 2, 3]).is_ok());
        assert_eq!(Bounded::<u8, 3>::new(vec![1, 2, 3, 4]), Err(TooMany { given: 4, max: 3 }));
        assert!(Blob::<3>::new(vec![1, 2, 3]).is_ok());
        assert_eq!(Blob::<3>::new(vec![1, 2, 3, 4]), Err(TooMany { given: 4, max: 3 }));
    }

    /// Formats without a declared length are bounded as well.
    #[test]
    fn a_length_that_was_not_declared_is_bounded_too() {
        assert_eq!(serde_json::from_str::<Bounded<u8, 3>>("[1,2,3]").ok().map(Bounded::into_vec), Some(vec![1, 2, 3]));
        assert!(serde_json::from_str::<Bounded<u8, 3>>("[1,2,3,4]").is_err());
    }

    #[test]
    fn a_blob_does_not_show_what_it_holds() {
        let blob = Blob::<8>::new(b"secret".to_vec());
        assert_eq!(blob.map(|blob| format!("{blob:?}")), Ok("6 bytes".to_owned()));
    }
}
