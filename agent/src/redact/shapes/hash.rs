//! Hashes of passwords: a guess away from the password, so they stay here too. Checksums of files are none.

use super::Hint::{Build as B, Words};
use super::Mark::Secret;
use super::{Build, Rule, take};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "crypt-hash",
        mark: Secret,
        hint: Words(
            "$1$|$2a$|$2b$|$2x$|$2y$|$5$|$6$|$7$|$y$|$gy$|$sha1$|$md5|$argon2|$apr1$|$pbkdf2|$scrypt$|$P$\
            |$H$|$S$|$8$|$9$|$krb5|$NT$|$DCC2$|$bcrypt",
        ),
        pattern: r"\$(?:1|2[abxy]|5|6|7|8|9|y|gy|sha1|md5(?:,rounds=[0-9]+)?|argon2(?:id|i|d)|apr1|pbkdf2(?:-[a-z0-9]+)?|scrypt|P|H|S|krb5[a-z]*|NT|DCC2|bcrypt(?:-sha256)?)\$[A-Za-z0-9./$=,+*@#-]{8,}",
        take,
    },
    Rule {
        id: "directory-hash",
        mark: Secret,
        hint: Words("{SSHA|{SHA|{MD5}|{SMD5}|{CRYPT}|{PBKDF2|{BLF-CRYPT}|{ARGON2|{x-"),
        pattern: r"(?i)\{(?:S?SHA(?:256|512|384)?|S?MD5|CRYPT|PBKDF2(?:-[A-Z0-9]+)?|BLF-CRYPT|SHA512-CRYPT|SHA256-CRYPT|ARGON2(?:ID|I)?|x-[a-z0-9-]+)\}(?P<s>[A-Za-z0-9+/=$.,]{8,})",
        take,
    },
    Rule {
        id: "framework-hash",
        mark: Secret,
        hint: Words("pbkdf2_sha|pbkdf2:sha|bcrypt$|bcrypt_sha|scram-sha|argon2$|scrypt:|grub.pbkdf2|md5$|sha1$"),
        pattern: r"(?i)(?:pbkdf2_sha[0-9]+\$[0-9]+\$|pbkdf2:sha[0-9]+(?::[0-9]+)?\$|bcrypt(?:_sha256)?\$+|scram-sha-(?:1|256|512)\$|argon2\$|scrypt:[0-9:]+\$|grub\.pbkdf2\.sha512\.|\b(?:md5|sha1)\$)(?P<s>[A-Za-z0-9+/=$.,:]{8,})",
        take,
    },
    // NTLM pairs, as in a dump, and the LM hash of nothing that most of them begin with.
    Rule {
        id: "ntlm-hash",
        mark: Secret,
        hint: B(Build::Long),
        pattern: r"(?i)(?:^|[^0-9a-f])(?P<s>[0-9a-f]{32}:[0-9a-f]{32})(?:[^0-9a-f]|$)",
        take,
    },
    // Of MySQL, and of PostgreSQL between quotes.
    Rule {
        id: "database-hash",
        mark: Secret,
        hint: B(Build::Long),
        pattern: r#"(?:(?:^|[\s"'=])\*(?P<s>[0-9A-F]{40})(?:[^0-9A-F]|$)|["']md5(?P<t>[0-9a-f]{32})["'])"#,
        take: either,
    },
    // Old password files: name, thirteen characters, and the numbers behind them.
    Rule {
        id: "shadow-hash",
        mark: Secret,
        hint: Words(":::|:0:99999:|:/home|:/bin/"),
        pattern: r"^\s*[a-z_][A-Za-z0-9._-]*:(?P<s>[./A-Za-z0-9]{13}):[0-9]*:[0-9]*:",
        take,
    },
];

fn either(found: &super::Found<'_>, taken: &mut Vec<std::ops::Range<usize>>) {
    taken.extend(found.group("s").or_else(|| found.group("t")).map(|found| found.range()));
}
