//! What the owner of a PC never allows on it, whoever asks and whatever the person answers.
//!
//! It can only take away: a policy makes no grant, and nothing that comes from elsewhere changes it. Two may hold at
//! once, one of the whole PC and one of the person's own; what either forbids is forbidden. It is *not* consent: what
//! it doesn't forbid is asked as ever.
//!
//! Opening hours are judged by this PC's own clock, which may be wrong; they keep nobody out who can set it.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::catalog::{Effect, Item};
use crate::fingerprint::Fingerprint;
use crate::ledger::body::ItemId;
use crate::now::Wall;
use crate::scope::Scope;
use crate::statement::PackHash;

/// Minutes of a day and of a week.
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// The first day of Unix time was a Thursday, and weeks here begin on Monday.
const EPOCH_DAY: i64 = 3;

/// What is never allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    /// Items that never run.
    pub forbid_items: BTreeSet<ItemId>,
    /// Areas of which nothing runs; `repair` forbids whatever changes the PC.
    pub forbid_scopes: BTreeSet<Scope>,
    /// Hashes of the packs that count here, if the organisation's statement lists them too; none unless named.
    pub packs: BTreeSet<PackHash>,
    /// When somebody may be here, in local time; empty: at any time.
    pub hours: Vec<Hours>,
    /// Roots of the only organisations that may be here; none: any.
    #[serde(deserialize_with = "roots")]
    pub organisations: Option<BTreeSet<Fingerprint>>,
}

/// Hours of some days: `mon-fri 08:00-20:00`, `sat 09:00-13:00`, or `22:00-06:00` for every day. The first minute
/// belongs to it, the last doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hours {
    /// First and last day, Monday is 0; the last may come before the first.
    days: (u32, u32),
    /// First minute of such a day, and the minute after the last; an end at or before the beginning is on the next day.
    from: u32,
    to: u32,
}

/// A text that names no hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours are written like: mon-fri 08:00-20:00")]
pub struct NoHours;

/// Everything that holds on this PC at once: what either of them forbids is forbidden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policies {
    /// That of the whole PC.
    pub system: Option<Policy>,
    /// The person's own.
    pub own: Option<Policy>,
    /// How far local time is ahead of UTC, in minutes.
    pub offset_minutes: i32,
}

impl Policies {
    fn all(&self) -> impl Iterator<Item = &Policy> {
        self.system.iter().chain(&self.own)
    }

    /// Whether nothing of this item may run here now.
    pub fn forbid(&self, item: &Item, now: Wall) -> bool {
        self.all().any(|policy| policy.forbids(item)) || self.is_closed(now)
    }

    /// Whether nobody may be here now.
    pub fn is_closed(&self, now: Wall) -> bool {
        self.all().any(|policy| policy.is_closed(now, self.offset_minutes))
    }

    /// Whether a pack counts here: the owner names it, and the organisation's statement does. (SECURITY G5)
    pub fn allow_pack(&self, pack: PackHash, statement: &[PackHash]) -> bool {
        // Where the PC has an owner's policy, the person's own doesn't widen it.
        let owner = self.system.as_ref().or(self.own.as_ref());
        statement.contains(&pack) && owner.is_some_and(|policy| policy.packs.contains(&pack))
    }

    /// Whether this organisation may never be here.
    pub fn keep_out(&self, root: Fingerprint) -> bool {
        self.all().any(|policy| policy.keeps_out(root))
    }
}

impl Policy {
    /// Whether nothing of this item may run here.
    pub fn forbids(&self, item: &Item) -> bool {
        let changes = item.effect == Effect::Changes && self.forbid_scopes.contains(&Scope::Repair);
        changes || self.forbid_scopes.contains(&item.area.scope()) || self.forbid_items.contains(&item.id)
    }

    /// Whether nobody may be here now. `offset_minutes` is how far local time is ahead of UTC.
    pub fn is_closed(&self, now: Wall, offset_minutes: i32) -> bool {
        let minute = now.ms().div_euclid(60_000) + i64::from(offset_minutes) + EPOCH_DAY * i64::from(DAY);
        let minute = u32::try_from(minute.rem_euclid(i64::from(WEEK))).unwrap_or(0);
        !self.hours.is_empty() && !self.hours.iter().any(|hours| hours.hold(minute))
    }

    /// Whether this organisation may never be here.
    pub fn keeps_out(&self, root: Fingerprint) -> bool {
        self.organisations.as_ref().is_some_and(|only| !only.contains(&root))
    }
}

impl Hours {
    /// Whether this minute of the week is among them.
    fn hold(&self, minute: u32) -> bool {
        let length = if self.to > self.from { self.to - self.from } else { self.to + DAY - self.from };
        let (first, last) = self.days;
        let count = (last + 7 - first) % 7 + 1;
        (0..count).any(|ahead| {
            let begins = (first + ahead) % 7 * DAY + self.from;
            (minute + WEEK - begins) % WEEK < length
        })
    }
}

impl FromStr for Hours {
    type Err = NoHours;

    fn from_str(text: &str) -> Result<Self, NoHours> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, hours) = match words[..] {
            [hours] => ("mon-sun", hours),
            [days, hours] => (days, hours),
            _ => return Err(NoHours),
        };
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, to) = hours.split_once('-').ok_or(NoHours)?;
        let (from, to) = (minute(from)?, minute(to)?);
        // The end of a day may be written as the last minute of its clock.
        if from == DAY { Err(NoHours) } else { Ok(Self { days: (day(first)?, day(last)?), from, to }) }
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn day(name: &str) -> Result<u32, NoHours> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    (0..).zip(DAYS).find(|(_, day)| *day == name).map(|(number, _)| number).ok_or(NoHours)
}

/// `08:30`; `24:00` is the end of a day.
fn minute(text: &str) -> Result<u32, NoHours> {
    let (hours, minutes) = text.split_once(':').ok_or(NoHours)?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u32>().ok()).flatten().ok_or(NoHours)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if minutes < 60 && hours * 60 + minutes <= DAY { Ok(hours * 60 + minutes) } else { Err(NoHours) }
}

fn roots<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeSet<Fingerprint>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests;
