//! Zip files no honest program writes, byte by byte. Shared with the tests of the programs that open them.

/// One file of a zip, and what its headers claim against the truth.
#[derive(Clone, Default)]
pub(crate) struct File {
    pub(crate) name: Vec<u8>,
    /// What stands in the zip.
    pub(crate) data: Vec<u8>,
    /// What its checksum is of; the data if empty.
    pub(crate) content: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) external: u32,
    pub(crate) packed: Option<u32>,
    pub(crate) unpacked: Option<u32>,
    pub(crate) extra: Vec<u8>,
    /// Only in the directory.
    pub(crate) offset: Option<u32>,
    /// Only in front of the data.
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) local_flags: Option<u16>,
    pub(crate) local_unpacked: Option<u32>,
}

/// What the end of the directory claims.
#[derive(Clone, Default)]
pub(crate) struct End {
    pub(crate) count: Option<u16>,
    pub(crate) disk: u16,
    pub(crate) start: Option<u32>,
    pub(crate) comment: Vec<u8>,
    /// Stands before it: a zip64 end.
    pub(crate) before: Vec<u8>,
}

pub(crate) fn file(name: &str, data: &[u8]) -> File {
    File { name: name.into(), data: data.to_vec(), ..File::default() }
}

/// The six files every bundle has, of nothing.
pub(crate) fn smallest() -> Vec<File> {
    let names = ["statement", "participants", "policy", "000000.event", "first.checkpoint", "consistency"];
    names.map(|name| file(name, b"x\n")).to_vec()
}

pub(crate) fn zip(files: &[File], end: &End) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let start = u32::try_from(bytes.len()).unwrap();
        let crc = crc32(if file.content.is_empty() { &file.data } else { &file.content });
        let length = |bytes: &Vec<u8>| u32::try_from(bytes.len()).unwrap();
        let packed = file.packed.unwrap_or(length(&file.data));
        let content = if file.content.is_empty() { &file.data } else { &file.content };
        let unpacked = file.unpacked.unwrap_or(length(content));
        let shared = |flags: u16, unpacked: u32, name: &[u8]| {
            let mut header = Vec::new();
            for field in [20, flags, file.method, 0x6000, 0x5a21] {
                header.extend(field.to_le_bytes());
            }
            for field in [crc, packed, unpacked] {
                header.extend(field.to_le_bytes());
            }
            header.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            header.extend(u16::try_from(file.extra.len()).unwrap().to_le_bytes());
            header
        };
        let local = file.local_name.as_ref().unwrap_or(&file.name);
        bytes.extend(b"PK\x03\x04");
        let (flags, claimed) = (file.local_flags.unwrap_or(file.flags), file.local_unpacked.unwrap_or(unpacked));
        bytes.extend(shared(flags, claimed, local));
        bytes.extend(local);
        bytes.extend(&file.extra);
        bytes.extend(&file.data);
        directory.extend(b"PK\x01\x02\x1e\x03");
        directory.extend(shared(file.flags, unpacked, &file.name));
        directory.extend([0; 6]);
        directory.extend(file.external.to_le_bytes());
        directory.extend(file.offset.unwrap_or(start).to_le_bytes());
        directory.extend(&file.name);
        directory.extend(&file.extra);
    }
    let start = u32::try_from(bytes.len()).unwrap();
    bytes.extend(&directory);
    bytes.extend(&end.before);
    bytes.extend(b"PK\x05\x06");
    let count = end.count.unwrap_or(u16::try_from(files.len()).unwrap());
    for field in [end.disk, end.disk, count, count] {
        bytes.extend(field.to_le_bytes());
    }
    for field in [u32::try_from(directory.len()).unwrap(), end.start.unwrap_or(start)] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(u16::try_from(end.comment.len()).unwrap().to_le_bytes());
    bytes.extend(&end.comment);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (n, entry) in (0..).zip(&mut table) {
        *entry = (0..8).fold(n, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
    }
    !bytes.iter().fold(!0, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ crc >> 8)
}

/// DEFLATE of a content that is one byte again and again: blocks of fixed codes, 13 bits for 258 bytes.
pub(crate) fn squeezed(byte: u8, length: usize) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    let mut put = |value: u32, count: u32| {
        held |= value << bits;
        bits += count;
        while bits >= 8 {
            bytes.push((held & 0xff) as u8);
            held >>= 8;
            bits -= 8;
        }
    };
    assert!(byte < 144 && length > 0, "a literal of eight bits");
    put(0b011, 3);
    put(u32::from(0x30 + byte).reverse_bits() >> 24, 8);
    let mut left = length - 1;
    while left >= 258 {
        // Length 258, distance 1.
        put(0b1100_0101_u32.reverse_bits() >> 24, 8);
        put(0, 5);
        left -= 258;
    }
    for _ in 0..left {
        put(u32::from(0x30 + byte).reverse_bits() >> 24, 8);
    }
    put(0, 7);
    put(0, 7);
    bytes
}

/// Every hostile zip, by what is wrong with it.
pub(crate) fn hostile() -> Vec<(String, Vec<u8>)> {
    let none = End::default();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let with = |extra: Vec<File>| zip(&[smallest(), extra].concat(), &End::default());
    let part = format!("parts/{}", "ab".repeat(32));

    // Bombs.
    let mib = 1 << 20;
    let bomb = File { method: 8, content: vec![b'x'; 16 * mib], ..file(&part, &squeezed(b'x', 16 * mib)) };
    all.push((
        "a file that unpacks to more than it says".into(),
        with(vec![File { unpacked: Some(100), ..bomb.clone() }]),
    ));
    let more = File { unpacked: Some(17 << 20), ..bomb.clone() };
    all.push(("a file that says more than a file may have".into(), with(vec![more])));
    let claim = |unpacked| File { unpacked: Some(unpacked), method: 8, ..file(&part, b"\x03\0") };
    all.push(("four gigabytes claimed of two bytes".into(), with(vec![claim(u32::MAX - 1)])));
    all.push(("sixteen megabytes claimed of two bytes".into(), with(vec![claim(16 << 20)])));
    let many = (0..40).map(|n| File { name: format!("parts/{n:064x}").into(), ..bomb.clone() }).collect();
    all.push(("640 megabytes in four".into(), with(many)));
    let long = File { packed: Some(u32::MAX - 9), unpacked: Some(u32::MAX - 9), ..file(&part, b"x") };
    all.push(("more packed than there is".into(), with(vec![long])));
    let overlap = File { offset: Some(0), ..file("consistency", b"x\n") };
    let mut files = smallest();
    files[5] = overlap;
    all.push(("two files over the same bytes".into(), zip(&files, &none)));
    let inside = zip(&[file("statement", b"x\n")], &none);
    let quoted = vec![file("statement", &inside), File { offset: Some(39), ..file("policy", b"x\n") }];
    all.push(("a file inside another's bytes".into(), zip(&quoted, &none)));

    // Names.
    for name in [
        "../statement",
        "members/../../etc/passwd",
        "/etc/passwd",
        "//host/share",
        "C:\\statement",
        "..\\statement",
        ".",
        "..",
        "",
        "/",
        "members/",
        "members//technician-1",
        "./statement",
        "statement/",
        "STATEMENT",
        "Statement",
        "\u{17f}tatement",
        "statement\u{200b}",
        "\u{ff53}tatement",
        "statement ",
        "statement\0",
        "statement\n",
        "\u{1b}]0;gone\u{7}\u{1b}[2Jx",
        "\u{202e}tnemetats",
        "con",
        "members/technician-0",
        "members/technician-65536",
        "session/statement",
        "1000000.event",
        "parts/../statement",
        "__MACOSX/statement",
        ".DS_Store",
    ] {
        for flags in [0, 1 << 11] {
            let named = File { flags, ..file(name, b"x") };
            all.push((format!("a file called {name:?}, {flags:x}"), with(vec![named])));
        }
    }
    let deep = "a/".repeat(30_000) + "b";
    all.push(("thirty thousand nested folders".into(), with(vec![file(&deep, b"x")])));
    all.push(("a name that is no text".into(), with(vec![File { name: vec![0xff, 0xfe], ..file("", b"x") }])));
    all.push(("a file twice".into(), with(vec![file("policy", b"y\n")])));
    let other = File { local_name: Some(b"participantz".to_vec()), ..file("README.txt", b"x") };
    all.push(("two names".into(), with(vec![other])));

    // Kinds.
    for (what, kind) in [("a link", 0o12), ("a folder", 0o4), ("a pipe", 0o1), ("a device", 0o6), ("a socket", 0o14)] {
        let external = kind << 28 | 0o777 << 16;
        all.push((what.into(), with(vec![File { external, ..file("README.txt", b"/etc/passwd") }])));
    }
    all.push(("a folder of DOS".into(), with(vec![File { external: 0x10, ..file("README.txt", b"") }])));
    for (what, flags) in [("encrypted", 1), ("strongly encrypted", 0x41), ("patched", 1 << 5), ("masked", 1 << 13)] {
        all.push((what.into(), with(vec![File { flags, ..file("README.txt", b"x") }])));
    }
    let hidden = File { local_flags: Some(1), ..file("README.txt", b"x") };
    all.push(("encrypted by one header".into(), with(vec![hidden])));
    for method in [1, 6, 9, 12, 14, 93, 95, 98, 99] {
        all.push((format!("packed by method {method}"), with(vec![File { method, ..file("README.txt", b"x") }])));
    }
    all.push(("deflated nonsense".into(), with(vec![File { method: 8, ..file("README.txt", &[0xff; 40]) }])));
    let cut = File { method: 8, content: vec![b'x'; 5_000], ..file("README.txt", &squeezed(b'x', 5_000)[..9]) };
    all.push(("deflated and cut".into(), with(vec![cut])));
    all.push(("a wrong checksum".into(), with(vec![File { content: b"y".to_vec(), ..file("README.txt", b"x") }])));
    let later = File { flags: 1 << 3, ..file("README.txt", b"x") };
    all.push(("a descriptor that isn't there".into(), with(vec![later])));
    let differs = File { local_unpacked: Some(9), ..file("README.txt", b"x") };
    all.push(("headers that disagree".into(), with(vec![differs])));

    // Zip64 and the end.
    let ten_gigabytes =
        [1_u16.to_le_bytes().as_slice(), &16_u16.to_le_bytes(), &[0, 0, 0, 128, 2, 0, 0, 0], &[0; 8]].concat();
    let large = File {
        packed: Some(u32::MAX),
        unpacked: Some(u32::MAX),
        extra: ten_gigabytes.clone(),
        ..file("README.txt", b"x")
    };
    all.push(("ten gigabytes by zip64".into(), with(vec![large])));
    all.push((
        "a zip64 field beside true sizes".into(),
        with(vec![File { extra: ten_gigabytes, ..file("README.txt", b"x") }]),
    ));
    let record = [b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8], &[0xff; 32]].concat();
    let locator = [b"PK\x06\x07".as_slice(), &[0; 4], &[9; 8], &1_u32.to_le_bytes()].concat();
    let before = [record, locator].concat();
    all.push(("a zip64 end".into(), zip(&smallest(), &End { before: before.clone(), ..none.clone() })));
    let max = End { before, count: Some(u16::MAX), start: Some(u32::MAX), ..none.clone() };
    all.push(("a zip64 end alone".into(), zip(&smallest(), &max)));
    all.push((
        "a zip64 field cut".into(),
        with(vec![File { extra: vec![1, 0, 200, 0, 1], ..file("README.txt", b"x") }]),
    ));
    for (what, end) in [
        ("fewer files than counted", End { count: Some(9), ..none.clone() }),
        ("more files than counted", End { count: Some(5), ..none.clone() }),
        ("several disks", End { disk: 1, ..none.clone() }),
        ("a directory elsewhere", End { start: Some(7), ..none.clone() }),
        ("a comment", End { comment: b"hello".to_vec(), ..none.clone() }),
        ("another end in the comment", End { comment: zip(&smallest(), &none), ..none.clone() }),
        ("bytes before the end", End { before: vec![7; 9], ..none.clone() }),
    ] {
        all.push((what.into(), zip(&smallest(), &end)));
    }
    let good = zip(&smallest(), &none);
    all.push(("data after the end".into(), [good.as_slice(), b"more"].concat()));
    all.push(("a megabyte after the end".into(), [good.clone(), vec![0; mib]].concat()));
    all.push(("data before the start".into(), [b"#!/bin/sh\n".as_slice(), &good].concat()));
    all.push(("two archives".into(), [good.clone(), good.clone()].concat()));
    all.push(("cut".into(), good[..good.len() - 30].to_vec()));
    let empties = (0..u16::MAX - 6).map(|n| file(&format!("parts/{n:064x}"), b""));
    all.push(("65,535 files".into(), with(empties.collect())));
    all.push(("no files".into(), zip(&[], &none)));
    all
}
