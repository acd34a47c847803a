//! Signed notes (C2SP signed-note): a text, an empty line, and one line per signature.
//!
//! Everything Venia signs is a note: statement, member, event, batch, checkpoint. One parser and one verifier for all
//! of them. What keeps one kind from being taken for another is its first line ([`Note::content`], SECURITY F7).
//!
//! Parsing is strict because a note's *bytes* are its identity: two spellings of one text would be two leaves in the
//! log, and a CR, VT or U+2028 where LF belongs would let two programs see different lines under one signature.
//!
//! Not here: who a key belongs to, what a text means. [`Note::parse`] checks form only; believe nothing before
//! [`Note::verify`].

use sha2::{Digest, Sha256};

use crate::encoding;
use crate::id::Leaf;
use crate::key::{KeyName, ReadyKey, SigningKey, VerifierKey};

/// Longest text, in bytes, its last line feed included. (docs/ledger.md)
pub const TEXT_MAX: usize = 16 * 1024;
/// Longest note, signatures included, in bytes.
pub const NOTE_MAX: usize = 64 * 1024;
/// Most signatures on one note: a log's own and those of its witnesses.
pub const SIGNATURES_MAX: usize = 64;

/// What a signature line begins with: em dash, space.
const DASH: &str = "\u{2014} ";
/// Bytes of a key id in front of every signature.
const ID_LEN: usize = 4;

/// Bytes that aren't a note, or a note that isn't signed as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than [`NOTE_MAX`] or a text longer than [`TEXT_MAX`].
    #[error("the note is too long")]
    TooLong,
    /// Not UTF-8, or a control character or line separator other than LF.
    #[error("the note isn't plain UTF-8 text with LF line ends")]
    NotText,
    /// No text, no empty line, no signature line, or no line end at the end.
    #[error("the note isn't a text, an empty line and signature lines")]
    Shape,
    /// A signature line that isn't `— name base64`, in its one spelling.
    #[error("signature line {0} is malformed")]
    SignatureLine(usize),
    /// More signatures than [`SIGNATURES_MAX`].
    #[error("the note has too many signatures")]
    TooManySignatures,
    /// More than one signature where exactly one may stand.
    #[error("the note must have exactly one signature")]
    NotOneSignature,
    /// No signature line has the key's name.
    #[error("the note isn't signed by the expected key")]
    NotSigned,
    /// A signature line has the key's name and another key's id.
    #[error("the note is signed by another key under the same name")]
    ForeignKey,
    /// A signature by name and id of the key, that doesn't verify.
    #[error("the signature doesn't verify")]
    BadSignature,
    /// Another kind of note. (SECURITY F7)
    #[error("not a note of the kind {0}")]
    WrongKind(&'static str),
}

/// A parsed note. Its signatures are unchecked until [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Name of the key that is said to have signed.
    pub name: KeyName,
    /// Id of that key.
    pub id: [u8; 4],
    /// What follows the id: 64 bytes for Ed25519; a witness puts its timestamp in front. Never empty.
    pub bytes: Vec<u8>,
}

/// The bytes of a note of one signature. The text must be one [`Note::parse`] would take: plain, ending in LF.
pub fn sign(text: &str, key: &SigningKey) -> Vec<u8> {
    Note::signed(text, key).to_bytes()
}

/// The event's or batch's identity and its place in the tree: `SHA-256(0x00 ‖ note bytes)` (RFC 6962 section 2.1).
pub fn leaf(note: &[u8]) -> Leaf {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(note);
    Leaf(hash.finalize().into())
}

impl Note {
    /// Reads a note, in the one spelling [`Note::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_MAX {
            return Err(NoteError::TooLong);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        // The *last* empty line: a text may contain empty lines, signature lines can't.
        let blank = note.rfind("\n\n");
        let (text, lines) = blank.map_or((note, ""), |blank| note.split_at(blank));
        if !is_plain(text) || !is_plain(lines) {
            return Err(NoteError::NotText);
        }
        let blank = blank.ok_or(NoteError::Shape)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        if text.len() > TEXT_MAX {
            return Err(NoteError::TooLong);
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (n, line) in lines.split('\n').enumerate() {
            if n == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::SignatureLine(n + 1))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Signs a text. It must be one [`Note::parse`] would take: plain, ending in LF.
    pub fn signed(text: &str, key: &SigningKey) -> Self {
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        note.add_signature(key);
        note
    }

    /// The signed text, its last line feed included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every signature line, unchecked, in order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The note's bytes: exactly those that were parsed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.text.clone();
        bytes.push('\n');
        for signature in &self.signatures {
            signature.write(&mut bytes);
        }
        bytes.into_bytes()
    }

    /// Checks that this very key signed: name *and* key id must fit, and every signature under them verify.
    ///
    /// Lines of other names are neither believed nor refused: a checkpoint may carry witnesses we don't know.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        self.verify_by(&key.ready())
    }

    /// Like [`Self::verify`], by a key made ready.
    pub fn verify_by(&self, key: &ReadyKey) -> Result<(), NoteError> {
        let (name, id) = (&key.verifier().name, key.id());
        let mut named = self.signatures.iter().filter(|signature| signature.name == *name).peekable();
        if named.peek().is_none() {
            return Err(NoteError::NotSigned);
        }
        let mut ours = named.filter(|signature| signature.id == id).peekable();
        if ours.peek().is_none() {
            return Err(NoteError::ForeignKey);
        }
        for signature in ours {
            let bytes = signature.bytes.as_slice().try_into().map_err(|_| NoteError::BadSignature)?;
            if !key.verify(self.text.as_bytes(), bytes) {
                return Err(NoteError::BadSignature);
            }
        }
        Ok(())
    }

    /// The only signature of a statement, member note, event or batch.
    pub fn exactly_one_signature(&self) -> Result<&Signature, NoteError> {
        match self.signatures.as_slice() {
            [signature] => Ok(signature),
            _ => Err(NoteError::NotOneSignature),
        }
    }

    /// The one line after the first, if the first is `kind` and there are exactly two. (SECURITY F7)
    pub fn content(&self, kind: &'static str) -> Result<&str, NoteError> {
        let rest = self.text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('\n'));
        let line = rest.and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::WrongKind(kind))?;
        if line.contains('\n') { Err(NoteError::WrongKind(kind)) } else { Ok(line) }
    }

    /// Adds an Ed25519 signature.
    pub fn add_signature(&mut self, key: &SigningKey) {
        let verifier = key.verifier();
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.add_line(Signature { name: verifier.name.clone(), id: verifier.id(), bytes });
    }

    /// Adds a signature line made elsewhere, such as a witness's cosignature.
    pub fn add_line(&mut self, signature: Signature) {
        self.signatures.push(signature);
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = encoding::base64(bytes)?;
        let (id, bytes) = bytes.split_at_checked(ID_LEN)?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self { name: KeyName::new(name).ok()?, id: id.try_into().ok()?, bytes: bytes.to_vec() })
    }

    /// The line as it stands in a note, its line feed included.
    pub fn line(&self) -> String {
        let mut line = String::new();
        self.write(&mut line);
        line
    }

    fn write(&self, to: &mut String) {
        let bytes = [self.id.as_slice(), &self.bytes].concat();
        to.push_str(DASH);
        to.push_str(self.name.as_str());
        to.push(' ');
        to.push_str(&encoding::to_base64(&bytes));
        to.push('\n');
    }
}

fn is_plain(text: &str) -> bool {
    if text.is_ascii() {
        // Nearly every text; without a branch per byte it takes a tenth of the time.
        !text.bytes().fold(false, |bad, byte| bad | (byte < b' ' && byte != b'\n') | (byte == 0x7f))
    } else {
        !text.chars().any(is_forbidden)
    }
}

/// C2SP forbids what is below U+0020; we also refuse DEL, C1 and the Unicode line ends that some readers break at.
fn is_forbidden(c: char) -> bool {
    c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::new("device", [seed; 32])
    }

    /// The example of the C2SP signed-note reference (golang.org/x/mod/sumdb/note), Ed25519 by PeterNeumann.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETERS: &str = "If you think cryptography is the answer to your problem,\n\
         then you don't know what your problem is.\n\n\
         \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn reference_vector() {
        let note = Note::parse(PETERS.as_bytes()).unwrap();
        assert_eq!(note.verify(&PETER.parse().unwrap()), Ok(()));
        assert_eq!(note.to_bytes(), PETERS.as_bytes());
    }

    #[test]
    fn only_the_very_key_counts() {
        let (ours, other) = (key(1), key(2));
        let note = Note::parse(&sign("x\n", &ours)).unwrap();
        assert_eq!(note.verify(ours.verifier()), Ok(()));
        assert_eq!(note.verify(other.verifier()), Err(NoteError::NotSigned));
        // A foreign key under the same name.
        let imposter = other.named(ours.verifier().name.clone());
        let forged = Note::parse(&sign("x\n", &imposter)).unwrap();
        assert_eq!(forged.verify(ours.verifier()), Err(NoteError::ForeignKey));
        // ... which also claims our key id.
        let mut claimed = forged.signatures()[0].clone();
        claimed.id = ours.verifier().id();
        let mut note = Note { text: "x\n".to_owned(), signatures: vec![claimed] };
        assert_eq!(note.verify(ours.verifier()), Err(NoteError::BadSignature));
        // A good signature doesn't heal a bad one under the same name and id.
        note.add_signature(&ours);
        assert_eq!(note.verify(ours.verifier()), Err(NoteError::BadSignature));
    }

    #[test]
    fn unknown_signatures_are_tolerated_unless_exactly_one_is_asked() {
        let mut note = Note::parse(&sign("origin\n1\n", &key(1))).unwrap();
        assert!(note.exactly_one_signature().is_ok());
        note.add_signature(&key(2));
        note.add_line(Signature { name: KeyName::new("witness").unwrap(), id: [4; 4], bytes: vec![9; 72] });
        let note = Note::parse(&note.to_bytes()).unwrap();
        assert_eq!(note.signatures().len(), 3);
        assert_eq!(note.verify(key(1).verifier()), Ok(()));
        assert_eq!(note.verify(key(2).verifier()), Ok(()));
        assert_eq!(note.exactly_one_signature(), Err(NoteError::NotOneSignature));
    }

    #[test]
    fn line_ends_are_lf_only() {
        let good = sign("one\ntwo\n", &key(1));
        for end in ["\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\0", "\t", "\u{7f}"] {
            let text = String::from_utf8(good.clone()).unwrap();
            for (at, _) in text.match_indices('\n') {
                let bad = format!("{}{end}{}", &text[..at], &text[at + 1..]);
                assert!(Note::parse(bad.as_bytes()).is_err(), "{end:?} at {at}");
            }
            let bad = format!("a{end}b\n");
            assert_eq!(Note::parse(&sign(&bad, &key(1))), Err(NoteError::NotText), "{end:?}");
        }
    }

    #[test]
    fn shapes_that_are_no_notes() {
        let line = "\u{2014} a AAAAAAA=\n";
        assert!(Note::parse(format!("x\n\n{line}").as_bytes()).is_ok());
        assert!(Note::parse(format!("x\n\ny\n\n{line}").as_bytes()).is_ok(), "a text may have empty lines");
        for bad in [
            String::new(),
            "\n".into(),
            "x\n".into(),
            "x\n\n".into(),
            format!("x\n{line}"),
            format!("\n{line}"),
            format!("x\n\n{}", line.trim_end()),
            format!("x\n\n{line}\n"),
            format!("x\n\n {line}"),
            "x\n\n- a AAAAAAA=\n".into(),
            "x\n\n\u{2014} a  AAAAAAA=\n".into(),
            "x\n\n\u{2014}  AAAAAAA=\n".into(),
            "x\n\n\u{2014} a AAAAAAA= \n".into(),
            "x\n\n\u{2014} a+b AAAAAAA=\n".into(),
            "x\n\n\u{2014} a AAAAAA==\n".into(),
            "x\n\n\u{2014} a AAAAAAA\n".into(),
            "x\n\n\u{2014} a AAAAAAB=\n".into(),
            "x\n\n\u{2014} a AAAA_AA=\n".into(),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(Note::parse(b"x\xff\n\n"), Err(NoteError::NotText));
    }

    #[test]
    fn limits_at_below_and_above() {
        let key = key(1);
        for (len, fits) in [(TEXT_MAX - 1, true), (TEXT_MAX, true), (TEXT_MAX + 1, false)] {
            let text = "x".repeat(len - 1) + "\n";
            assert_eq!(Note::parse(&sign(&text, &key)).is_ok(), fits, "{len}");
        }
        let mut note = Note { text: "x\n".into(), signatures: Vec::new() };
        for n in 1..=SIGNATURES_MAX + 1 {
            note.add_signature(&key);
            assert_eq!(Note::parse(&note.to_bytes()).is_ok(), n <= SIGNATURES_MAX, "{n}");
        }
        let mut note = Note { text: "x\n".into(), signatures: Vec::new() };
        let line = |bytes| Signature { name: KeyName::new("w").unwrap(), id: [0; 4], bytes: vec![0; bytes] };
        // 3 + text and blank, 6 around, 4 per 3 bytes of base64.
        let room = (NOTE_MAX - 3 - 7) / 4 * 3 - 4;
        note.add_line(line(room));
        assert!(note.to_bytes().len() <= NOTE_MAX && Note::parse(&note.to_bytes()).is_ok());
        note.signatures[0] = line(room + 3);
        assert_eq!(Note::parse(&note.to_bytes()), Err(NoteError::TooLong));
    }

    #[test]
    fn f7_the_first_line_is_the_kind() {
        let note = |text: &str| Note::parse(&sign(text, &key(1))).unwrap();
        assert_eq!(note("venia/a@v1\n{}\n").content("venia/a@v1"), Ok("{}"));
        for text in [
            "venia/b@v1\n{}\n",
            "venia/a@v1 \n{}\n",
            "venia/a@v1\n",
            "venia/a@v1\n{}\n{}\n",
            "venia/a@v10\n{}\n",
            "{}\nvenia/a@v1\n",
        ] {
            assert!(matches!(note(text).content("venia/a@v1"), Err(NoteError::WrongKind(_))), "{text:?}");
        }
    }

    #[test]
    fn leaves_are_rfc_6962_leaf_hashes() {
        // RFC 6962 / CT test vector: the leaf hash of the empty string.
        let empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(encoding::to_hex(&leaf(b"").0), empty);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic_and_have_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(note) = Note::parse(&bytes) {
                prop_assert_eq!(note.to_bytes(), bytes);
            }
        }

        #[test]
        fn flipped_bits_are_never_accepted(at in 0_usize..120, bit in 0_u8..8) {
            let key = key(1);
            let good = sign("venia/test@v1\n{}\n", &key);
            let mut bad = good.clone();
            let at = at % bad.len();
            bad[at] ^= 1 << bit;
            let accepted = Note::parse(&bad).is_ok_and(|note| note.verify(key.verifier()).is_ok());
            prop_assert!(!accepted);
        }
    }
}
