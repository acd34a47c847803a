//! A check's report without what must not leave: each value as its definition declares it.
//!
//! A declared class is believed before any guess: the name of an account becomes a pseudonym whatever it looks like. What
//! every PC has stays, because it tells nobody apart and much about the fault: `root`, `localhost`, loopback, any address.

use std::borrow::Cow;
use std::net::IpAddr;

use venia_proto::catalog::{Item, Kind};
use venia_proto::report::{Report, Text, Value};

use super::pseudonyms::Class;
use super::{Counts, Redactor, canonical, edge, shapes};

/// A whole number with at least this many digits may be a card's or a telephone's.
const DIGITS_MIN: usize = 7;

impl Redactor {
    /// The report as it may be shown, recorded and sent.
    pub fn report(&mut self, item: &Item, mut report: Report) -> (Report, Counts) {
        let mut counts = Counts::default();
        for fact in &mut report.facts {
            let kind = item.facts.get(&fact.key).map_or(Kind::Text, |texts| texts.kind);
            self.value(kind, &mut fact.value, &mut counts);
            self.any(&mut fact.unit, &mut counts);
        }
        for table in &mut report.tables {
            let columns = item.tables.get(&table.title).map(|texts| texts.columns.as_slice()).unwrap_or_default();
            let kinds: Vec<Kind> =
                (0..table.columns.len()).map(|at| columns.get(at).map_or(Kind::Text, |column| column.kind)).collect();
            for row in &mut table.rows {
                for (at, cell) in row.iter_mut().enumerate() {
                    self.value(kinds.get(at).copied().unwrap_or_default(), cell, &mut counts);
                }
            }
        }
        for finding in &mut report.findings {
            self.sentence(&mut finding.text, &mut counts);
            self.sentence(&mut finding.next, &mut counts);
            self.any(&mut finding.evidence, &mut counts);
        }
        // Marks may be longer than what they stand for.
        item.fit(&mut report);
        (report, counts)
    }

    fn sentence(&mut self, text: &mut Text, counts: &mut Counts) {
        // Both languages say the same: it is counted once.
        self.any(&mut text.en, counts);
        self.any(&mut text.es, &mut Counts::default());
    }

    fn any(&mut self, text: &mut String, counts: &mut Counts) {
        if let Cow::Owned(redacted) = self.text(text, counts) {
            *text = redacted;
        }
    }

    fn value(&mut self, kind: Kind, value: &mut Value, counts: &mut Counts) {
        let class = match kind {
            Kind::Number | Kind::Flag => return,
            Kind::Word => {
                if let Value::Text(text) = value
                    && let Cow::Owned(redacted) = self.known_only(text, counts)
                {
                    *text = redacted;
                }
                return;
            }
            Kind::Text => {
                match value {
                    Value::Text(text) => self.any(text, counts),
                    Value::Integer(number) => {
                        let written = number.to_string();
                        if written.len() >= DIGITS_MIN
                            && let Cow::Owned(redacted) = self.text(&written, counts)
                        {
                            *value = Value::Text(redacted);
                        }
                    }
                    Value::Flag(_) | Value::Decimal(_) => {}
                }
                return;
            }
            Kind::User => Class::User,
            Kind::Host => Class::Host,
            Kind::Address => Class::Address,
            Kind::Mac => Class::Mac,
            Kind::Serial => Class::Serial,
        };
        if let Value::Text(text) = value {
            *text = self.whole(class, text, counts);
        }
    }

    /// The pseudonym of a whole value of this class, known or not.
    fn whole(&mut self, class: Class, text: &str, counts: &mut Counts) -> String {
        let mut known = Counts::default();
        let redacted = self.known_only(text, &mut known).into_owned();
        if text.trim().is_empty() || self.only_marks(&redacted) {
            counts.merge(&known);
            return redacted;
        }
        if class == Class::Address {
            return self.address(text, counts);
        }
        let common = match class {
            Class::User | Class::Host => edge::is_system(text.trim()),
            Class::Mac => !shapes::is_telling_mac(text),
            Class::Address | Class::Network | Class::Machine | Class::Disk | Class::Serial => false,
        };
        if common {
            return text.to_owned();
        }
        counts.add(class.declared());
        let value = canonical(class, text);
        self.names.of(class, &value)
    }

    /// An address with what stands behind it: a length, a zone, a port.
    fn address(&mut self, text: &str, counts: &mut Counts) -> String {
        let bare = text.trim();
        let inner = bare.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (address, tail) = match inner {
            Some((address, tail)) => (address, tail),
            None if bare.parse::<IpAddr>().is_ok() => (bare, ""),
            None => {
                let one_colon = bare.matches(':').count() == 1;
                let end = bare
                    .find(|c: char| matches!(c, '/' | '%' | ' ' | '#') || (one_colon && c == ':'))
                    .unwrap_or(bare.len());
                bare.split_at(end)
            }
        };
        if let Ok(address) = address.parse::<IpAddr>()
            && shapes::is_everybodys(address)
        {
            return text.to_owned();
        }
        counts.add(Class::Address.declared());
        let name = self.names.of(Class::Address, &canonical(Class::Address, address));
        // A tail is short and says little; anything else belongs to the value.
        let plain = tail.len() <= 8 && tail.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | ':' | '#'));
        if plain { format!("{name}{tail}") } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::known::Known;

    fn redactor() -> Redactor {
        let known = r#"{"user_names":"ana","host_names":"ana-pc","ipv4_private":"192.168.0.66"}"#;
        Redactor::new(&Known::from_json(known).unwrap(), &[4; 32]).unwrap()
    }

    fn value(kind: Kind, value: impl Into<Value>) -> (Value, u64) {
        let (mut value, mut counts) = (value.into(), Counts::default());
        redactor().value(kind, &mut value, &mut counts);
        (value, counts.total())
    }

    #[test]
    fn a_declared_class_is_believed_whatever_the_value_looks_like() {
        for (kind, text, told) in [
            (Kind::User, "ana", "user-1"),
            (Kind::User, "somebody", "user-2"),
            (Kind::Host, "nas.casa.lan", "host-2"),
            (Kind::Mac, "d8:3a:dd:12:34:56", "mac-1"),
            (Kind::Serial, "4711", "serial-1"),
            (Kind::Address, "192.168.0.66", "address-1"),
            (Kind::Address, "192.168.0.1/24", "address-2/24"),
            (Kind::Address, "[fe80::1234:5678:9abc:def0]:631", "address-2:631"),
        ] {
            assert_eq!(value(kind, text), (Value::from(told), 1), "{text}");
        }
    }

    #[test]
    fn what_every_pc_has_stays() {
        for (kind, text) in [
            (Kind::User, "root"),
            (Kind::Host, "localhost"),
            (Kind::Mac, "00:00:00:00:00:00"),
            (Kind::Address, "0.0.0.0:22"),
            (Kind::Address, "127.0.0.53"),
            (Kind::Address, "::1"),
            (Kind::Address, "8.8.8.8"),
            (Kind::Address, ""),
        ] {
            assert_eq!(value(kind, text), (Value::from(text), 0), "{text}");
        }
    }

    #[test]
    fn a_word_loses_only_known_values_and_a_text_secrets_too() {
        assert_eq!(value(Kind::Word, "password=hunter22"), (Value::from("password=hunter22"), 0));
        assert_eq!(value(Kind::Word, "ana"), (Value::from("user-1"), 1));
        assert_eq!(value(Kind::Text, "password=hunter22"), (Value::from("password=[redacted:setting]"), 1));
        assert_eq!(value(Kind::Text, 4_111_111_111_111_111_i64), (Value::from("[redacted:card]"), 1));
        assert_eq!(value(Kind::Text, 41_i64), (Value::from(41_i64), 0));
        assert_eq!(value(Kind::Number, 4_111_111_111_111_111_i64), (Value::from(4_111_111_111_111_111_i64), 0));
    }
}
