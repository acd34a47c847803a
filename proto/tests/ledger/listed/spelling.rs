//! The list, bytes: one changed anywhere, another spelling of the same, a zip that is no bundle.

use super::*;

/// The files of a bundle that are text, by the place a change of each is found at.
fn texts(bundle: &mut Bundle) -> Vec<(&'static str, &mut Vec<u8>)> {
    let batch = bundle.batches.get_mut(&ANA).unwrap();
    let [.., third, fourth] = &mut bundle.entries[..5] else { panic!("a whole session") };
    vec![
        ("statement", &mut bundle.statement),
        ("members/technician-1", bundle.members.get_mut(&ANA).unwrap()),
        ("participants", &mut bundle.participants),
        ("policy", &mut bundle.policy),
        ("3", &mut third.event),
        ("4", fourth.proof.as_mut().unwrap()),
        ("first.checkpoint", &mut bundle.first_checkpoint),
        ("consistency", &mut bundle.consistency),
        ("join.batch.technician-1", &mut batch.note),
        ("join.batch.technician-1", &mut batch.proof),
    ]
}

#[test]
fn a_byte_changed_anywhere() {
    let mut list = List::default();
    let count = texts(&mut World::sealed().bundle()).len();
    for n in 0..count {
        let at = texts(&mut World::sealed().bundle())[n].0;
        for (part, of) in [(1, 8), (1, 2), (7, 8)] {
            list.changed(format!("{at} {n}, a byte at {part}/{of}"), at, |_, bundle| {
                let bytes = texts(bundle).swap_remove(n).1;
                let place = bytes.len() * part / of;
                bytes[place] ^= 1;
            });
        }
        list.changed(format!("{at} {n}, a byte more"), at, |_, bundle| texts(bundle)[n].1.push(b'\n'));
        list.changed(format!("{at} {n}, a byte less"), at, |_, bundle| {
            texts(bundle)[n].1.pop();
        });
        list.changed(format!("{at} {n}, emptied"), at, |_, bundle| texts(bundle)[n].1.clear());
    }
    let world = World::sealed().bundle();
    let commit = *world.openings.keys().next().unwrap();
    let part = format!("parts/{}", venia_proto::encoding::to_hex(&commit));
    for at in [0, 33, 40, 1023] {
        list.changed(format!("part, byte {at}"), &part, |_, b| b.openings.get_mut(&commit).unwrap()[at] ^= 1);
    }
    let hash = *world.sealed.keys().next().unwrap();
    let sealed = format!("sealed/{}.age", venia_proto::encoding::to_hex(&hash));
    list.changed("sealed part", sealed, |_, b| b.sealed.get_mut(&hash).unwrap()[9] ^= 1);
    // Emptied, a proof is another entry's business: the file isn't there at all.
    list.0.retain(|case| !case.name.starts_with("join.batch.technician-1") || !case.name.ends_with("emptied"));
    list.judge("listed-bytes");
}

/// The same base64 with one of its unused bits set: the last letter before a `=`.
fn respelled(bytes: &[u8], from_end: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut places = (1..bytes.len()).filter(|at| bytes[*at] == b'=' && bytes[at - 1].is_ascii_alphanumeric());
    let at = if from_end { places.next_back() } else { places.next() }.unwrap();
    bytes[at - 1] += 1;
    bytes
}

#[test]
fn one_spelling() {
    let mut list = List::default();
    let count = texts(&mut World::sealed().bundle()).len();
    for n in 0..count {
        let mut bundle = World::sealed().bundle();
        let (at, bytes) = texts(&mut bundle).swap_remove(n);
        let (ends, has_base64) = (bytes.iter().filter(|b| **b == b'\n').count(), bytes.contains(&b'='));
        for wrong in ["\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", ""] {
            for which in [0, ends / 2, ends - 1] {
                list.changed(format!("{at} {n}: {wrong:?} for line end {which}"), at, |_, bundle| {
                    let bytes = texts(bundle).swap_remove(n).1;
                    let place = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(which).unwrap().0;
                    bytes.splice(place..=place, wrong.bytes());
                });
            }
        }
        if has_base64 && !matches!(at, "participants" | "policy") {
            for from_end in [false, true] {
                list.changed(format!("{at} {n}: base64 with a bit too many"), at, |_, bundle| {
                    let bytes = texts(bundle).swap_remove(n).1;
                    *bytes = respelled(bytes, from_end);
                });
            }
        }
    }
    // Signed so by their own authors.
    let resigned = |list: &mut List, name: &str, from: &'static str, to: &'static str| {
        list.changed(name, "7", |world, bundle| {
            let old = Note::parse(&bundle.entries[7].event).unwrap();
            let new = old.text().replacen(from, to, 1);
            assert_ne!(new, old.text(), "{from}");
            bundle.entries[7].event = note::sign(&new, &world.keys[&ANA]);
        });
    };
    resigned(&mut list, "VT for the line end, signed", "@v1\n", "@v1\u{b}");
    resigned(&mut list, "U+2028 for the line end, signed", "@v1\n", "@v1\u{2028}");
    resigned(&mut list, "CR before the line end, signed", "@v1\n", "@v1\r\n");
    resigned(&mut list, "a third line, signed", "@v1\n", "@v1\n{}\n");
    resigned(&mut list, "another first line, signed", "venia/event@v1", "venia/batch@v1");
    resigned(&mut list, "a key twice, signed", "\"seq\"", "\"seq\":9,\"seq\"");
    resigned(&mut list, "a key twice in another spelling, signed", "\"seq\"", "\"s\\u0065q\":9,\"seq\"");
    resigned(&mut list, "a field too many, signed", "\"seq\"", "\"item\":\"x\",\"seq\"");
    resigned(&mut list, "a field too few, signed", "\"kind\":\"chat\",", "");
    resigned(&mut list, "an unknown kind, signed", "\"kind\":\"chat\"", "\"kind\":\"talk\"");
    resigned(&mut list, "a fraction, signed", "\"seq\":1", "\"seq\":1.0");
    resigned(&mut list, "an exponent, signed", "\"seq\":1", "\"seq\":1e0");
    resigned(&mut list, "beyond 2^53, signed", "\"seq\":1", "\"seq\":9007199254740993");
    resigned(&mut list, "a letter beyond ASCII, signed", "\"kind\":\"chat\"", "\"kind\":\"ch\u{e4}t\"");
    resigned(&mut list, "a time in seconds, signed", ".000Z", "Z");
    resigned(
        &mut list,
        "an own strand seen, signed",
        "\"seen\":{",
        "\"seen\":{\"technician-1\":\"7U3DrsBoXVqUdLRlzXscnF6W2BXUbcqG/t1F4XW3qrA=\",",
    );
    resigned(&mut list, "a length no opening has, signed", "\"len\":1024", "\"len\":1025");
    list.changed("base64 within an event, signed", "7", |world, bundle| {
        let text = respelled(Note::parse(&bundle.entries[7].event).unwrap().text().as_bytes(), false);
        bundle.entries[7].event = note::sign(&self::text(&text), &world.keys[&ANA]);
    });
    list.judge("listed-spelling");
}

#[test]
fn zips_that_are_not_bundles() {
    let mut list = List::default();
    let files = unpack(&World::session().zip());
    let with = |name: &str| pack(&[files.clone(), vec![(name.to_owned(), b"x".to_vec())]].concat());
    for name in ["note.txt", "members/agent", "000013.event.bak", "STATEMENT", "session/statement", "000001.EVENT"] {
        list.zip(format!("a file called {name}"), name, with(name));
    }
    list.zip("a receipt for no event", "13", with("000013.tlog-proof"));
    let without = |gone: &str| {
        let kept: Vec<_> = files.iter().filter(|(name, _)| name != gone).cloned().collect();
        pack(&kept)
    };
    for name in ["statement", "participants", "policy", "first.checkpoint", "consistency"] {
        list.zip(format!("without {name}"), name, without(name));
    }
    list.judge("listed-zips");
}
