//! Which names announce a secret, and which values are none: the vocabulary that the rules for settings, arguments and
//! addresses share.
//!
//! `DB_PASSWORD`, `spring.datasource.password`, `clientSecret` and `clave` announce one; `password_file`, `max_tokens`,
//! `PasswordAuthentication` and `public_key` don't.

use crate::redact::list::{self, has};

/// Words that mean a secret wherever they stand in a name.
const SECRET: &str = "password|passwd|passwrd|passw|passphrase|passcode|passkey|passwort|kennwort|contraseña|contrasena\
    |contrasenya|contraseñas|contrasenas|clave|motdepasse|senha|secret|secrets|secreto|token|apikey|psk|pwd|pw\
    |pass|credential|credentials|credenciales|jwt|totp|mnemonic|bindpw|rootpw|userpw|adminpw|requirepass\
    |masterauth|masteruser|storepass|keypass|authkey|privkey|privatekey|secretkey|accesskey|sharedkey\
    |accountkey|masterkey|signingkey|encryptionkey|presharedkey|seckey|sharedaccesskey|authtoken|accesstoken\
    |refreshtoken|idtoken|sessionid|sessid|phpsessid|jsessionid|sessionkey|sshpass|userpass|dbpass|rootpass\
    |adminpass|mypass|keyfilepass|pgpass|pincode|bearer|wepkey|wpakey|authpass|privpass|pgpassword\
    |mysqlpassword|passphrases|rocommunity|rwcommunity|recoverykey|kpass";
/// Endings of words written together: `pgpassword`, `dbpasswd`, `gittoken`.
const ENDINGS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "apikey", "passwort"];
/// Words that end so and mean something else.
const NOT_ENDINGS: &[&str] = &["nopasswd", "nopassword", "chpasswd", "gpasswd", "htpasswd", "mkpasswd", "libsecret"];
/// What makes `key` a secret one.
const KEYS: &str = "api|access|secret|private|priv|auth|encryption|encrypt|decryption|crypt|master|account|shared|signing|app\
    |application|session|service|storage|license|licence|consumer|client|admin|security|subscription|deploy\
    |recovery|cipher|aes|hmac|jwt|wep|wpa|activation|product|nonce|in|gcp|aws|azure|user|root|server|unlock\
    |escrow|hex|preshared|license|serial|functions|host|write|ingest|integration|rndc|tsig|ipsec|wireguard\
    |fernet|base";
/// Words behind a secret one that make the whole a property of it.
const PROPERTIES: &str = "file|files|filename|path|dir|directory|type|types|name|names|id|ids|url|uri|endpoint|length|len|size|min\
    |max|policy|expiry|expires|expire|expiration|expired|age|count|enabled|disabled|enable|disable|algorithm\
    |algorithms|alg|algo|format|hint|prompt|required|authentication|login|manager|agent|reset|change|changed\
    |updated|at|date|time|timeout|ttl|mode|method|store|provider|service|group|owner|status|state|valid\
    |validity|quality|retries|attempts|failures|failed|check|label|field|version|index|ring|command|cmd\
    |location|lifetime|rotation|usage|scope|scopes|issuer|audience|kind|bits|limit|limits|rate|bucket|used\
    |total|cache|prefix|suffix|class|handler|helper|only|less|free|protected|locked|db|ref|source|lock|set\
    |aging|warn|inactive|days|encoding|strength|history|complexity|sha256|checksum|fingerprint|ask|flags\
    |socket|port|host|domain|address|username|server|per|lookup|mechanism|mech|plugin|module|backend|exists\
    |present|mount|namespace|secure|samesite|httponly|policies|quota|budget|window|tokens|counter|exchange|agreement|verify\
    |verified|email|dialog|env|var|variable|stdin|fd|primaria|pública|publica|foránea|foranea|realm|eval";
/// Words in front of a secret one that make the whole a setting about it.
const ABOUT: &str = "no|public|pub|max|min|num|total|cache|foreign|primary|partition|sort|hot|unexpected|expected|parse|count\
    |next|lexer|host|palabra|palabras|forgot|forgotten|olvidé";

/// Whether a name announces a secret value.
pub(super) fn is_secret(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(last) =
        words.iter().enumerate().rposition(|(at, word)| means_secret(word, &words[..at], &words[at + 1..]))
    else {
        return false;
    };
    let about = words[..last].iter().any(|word| has(ABOUT, word) && !matches!(*word, "host" | "cache"));
    !about && !words[last + 1..].iter().any(|word| has(PROPERTIES, word))
}

fn means_secret(word: &str, before: &[&str], after: &[&str]) -> bool {
    match word {
        "key" | "keys" | "salt" => {
            let two = before.last().is_some_and(|word| has(KEYS, word)) && before.last() != Some(&"host");
            let base = word == "key" && before.last() == Some(&"secret");
            let digits = word == "key" && before.last() == Some(&"wep");
            // `SECRET_KEY_BASE`, `aws_secret_access_key`, `AUTH_SALT`.
            (two || base || digits)
                && (word != "salt" || matches!(before.last(), Some(&("auth" | "in" | "nonce" | "password"))))
        }
        "code" => before
            .last()
            .is_some_and(|word| matches!(*word, "verification" | "pin" | "verificación" | "recovery" | "puk")),
        "auth" => before.is_empty() && after.is_empty() || before.last() == Some(&"smtp") && after.is_empty(),
        // `PIN SIM`, `pin del móvil`.
        "pin" | "puk" | "otp" => {
            after.first().is_none_or(|word| has("sim|card|tarjeta|de|del|for|of|móvil|movil|banco", word))
        }
        // `mot de passe`.
        "passe" => before.last() == Some(&"de"),
        // `low-pass: butterworth`, `multi pass: off`.
        "pass" => before.last().is_none_or(|word| !has("low|high|band|multi|two|single|first|second|render", word)),
        "phrase" => before.last().is_some_and(|word| matches!(*word, "pass" | "seed" | "recovery" | "secret")),
        "seed" => before.last().is_some_and(|word| matches!(*word, "wallet" | "totp" | "hd")),
        "id" => before.last().is_some_and(|word| matches!(*word, "session" | "sess")) && before.first() != Some(&"xdg"),
        "sid" => before.last() == Some(&"connect"),
        "community" => before.iter().any(|word| matches!(*word, "snmp" | "ro" | "rw" | "rocommunity")),
        word => {
            has(SECRET, word) || (ENDINGS.iter().any(|ending| word.ends_with(ending)) && !NOT_ENDINGS.contains(&word))
        }
    }
}

/// The words of a name, in lower case: at marks, at capitals, and without digits at their end.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let letters: Vec<char> = name.chars().collect();
    for (at, &c) in letters.iter().enumerate() {
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && (before.is_lowercase() || before.is_ascii_digit() || (before.is_uppercase() && next_is_lower));
        if (begins || !c.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    for word in &mut words {
        let kept = word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if kept > 0 && word != "sha256" {
            word.truncate(kept);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a name announces a short number rather than a text: a PIN, a one-time code, a session's number.
pub(super) fn is_number(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| matches!(word.as_str(), "pin" | "puk" | "otp" | "code" | "session" | "sess" | "totp"))
        && !words.iter().any(|word| matches!(word.as_str(), "secret" | "token" | "key" | "password" | "pass" | "seed"))
}

/// Longest value, in bytes, that may be none: nobody's hole is that long.
const HOLE_MAX: usize = 512;

/// Whether a value is no value: empty, a hole to be filled, a mask, yes or no.
pub(super) fn is_hole(value: &str) -> bool {
    if value.len() > HOLE_MAX {
        return false;
    }
    let value = value.trim().trim_matches(|c| matches!(c, '"' | '\'' | '`' | '\\'));
    let lower = value.to_lowercase();
    value.is_empty()
        || crate::redact::marks::only_marks(value)
        || value.chars().all(|c| {
            matches!(
                c,
                '*' | 'x' | 'X' | '•' | '●' | '.' | '-' | '_' | '…' | '#' | '?' | ',' | ';' | ')' | '(' | '/' | '|'
            )
        })
        || has(FLAGS, &lower)
        || HOLES.iter().any(|(begin, end)| value.starts_with(begin) && value.ends_with(end))
        || NAME_HOLES.iter().any(|(begin, end)| is_named_hole(value, begin, end))
        || is_variable(value)
        || is_placeholder(value)
        || list::words(CODE).any(|begin| value.starts_with(begin))
        || is_path(value)
}

const FLAGS: &str = "true|false|yes|no|on|off|null|nil|none|undefined|nan|(null)|(none)|n/a|na|sí|si|verdadero|falso|ninguno\
    |ninguna|nulo|unset|enabled|disabled|redacted|hidden|[redacted]|[hidden]|[filtered]|[masked]|masked\
    |removed|omitted|oculta|oculto|string|amd64|arm64|i386|armhf";
const HOLES: &[(&str, &str)] = &[
    ("${", "}"),
    ("$(", ")"),
    ("{{", "}}"),
    ("%{", "}"),
    ("%(", "s"),
    ("[[", "]]"),
    ("#{", "}"),
    ("<%", "%>"),
    ("((", "))"),
    ("&lt;", "&gt;"),
];
/// See [`HOLES`]: only around a name, since passwords have such marks too.
const NAME_HOLES: &[(&str, &str)] = &[("{", "}"), ("<", ">"), ("__", "__"), ("@", "@"), ("%", "%"), ("[", "]")];
const CODE: &str = "process.env|os.environ|os.getenv|getenv(|env(|ENV[|config(|System.getenv|self.|this.|settings.|request.\
    |args.|options.|params[|input(|getpass|Deno.env|secrets.|vars.|var.|%s|%d|%v|%q|$1|$2|$@|${|$(|{{|arn:aws:\
    |vault:|file:/|env:|keyring:|secretref:|projects/|!vault|!env_var|!secret";

/// `<your password>`, `{0}`, `[hidden]`, but neither `[Secr3t!]` nor `[redacted:x]` of nobody knows whom.
fn is_named_hole(value: &str, begin: &str, end: &str) -> bool {
    let inner = value.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    inner.is_some_and(|inner| {
        let digits = inner.chars().filter(char::is_ascii_digit).count();
        digits == inner.len()
            || digits == 0 && inner.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | ' ' | '\''))
    })
}

/// `$NAME` or `%NAME%`.
fn is_variable(value: &str) -> bool {
    value.strip_prefix('$').is_some_and(|name| {
        let name = name.trim_end_matches([';', ',', ')']);
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            || (!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    })
}

/// `API_KEY`, `YOUR_PASSWORD`: the name of a secret where it belongs.
fn is_placeholder(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_uppercase() || c == '_') && value.contains('_') && is_secret(value)
        || value.eq_ignore_ascii_case("your_password")
        || value.to_lowercase().starts_with("your-")
        || value.to_lowercase().starts_with("your_")
}

/// `/run/secrets/db`, `~/.token`, `C:\keys\a.pem`: where a secret is, not which.
fn is_path(value: &str) -> bool {
    let value = value.strip_prefix('@').unwrap_or(value);
    let rest = value.strip_prefix('~').unwrap_or(value);
    let rest = rest.strip_prefix("./").map_or(rest, |_| &rest[1..]);
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '/' | '.' | '-' | '_' | '@' | '%' | ' ' | '\\' | '$' | '{' | '}' | '[' | ']' | ':')
    };
    let segments = rest.split('/').skip(1).filter(|segment| !segment.is_empty());
    let unix = rest.starts_with('/')
        && !value.contains('+')
        && rest.chars().all(plain)
        && (segments.clone().count() >= 2 || value.starts_with('~'))
        && segments.clone().next().is_some_and(|first| first.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c.is_ascii_digit()))
        // A folder's name, not a piece of base64.
        && list::words(ROOTS).any(|root| rest.starts_with(root)) | value.starts_with(['~', '.']);
    let windows = value.len() > 3 && value.as_bytes()[0].is_ascii_alphabetic() && value[1..].starts_with(":\\");
    unix || windows
}

const ROOTS: &str = "/run/|/etc/|/home/|/var/|/usr/|/opt/|/srv/|/tmp/|/root/|/mnt/|/media/|/dev/|/proc/|/sys/|/secrets/|/app/\
    |/data/|/config/|/boot/|/lib/|/bin/|/sbin/|/Users/|/workspace/|/snap/|/nix/|/keys/|/certs/";

/// Words that people write behind `password:` or `token` and that are no password.
const PROSE: &str = "incorrect|invalid|wrong|expired|missing|required|failed|failure|denied|accepted|ok|success|successful\
    |mismatch|not|is|was|must|for|from|at|the|a|an|to|of|in|on|or|and|by|with|changed|updated|set|empty\
    |authentication|auth|unknown|rejected|error|never|always|ask|prompt|default|please|enter|your|has|will|can\
    |cannot|should|does|did|too|it|this|that|use|using|only|optional|sufficient|requisite|include|substack\
    |file|env|string|password|passwd|passphrase|token|secret|key|field|value|option|flag|if|when|as|be|been\
    |are|may|no|new|old|incorrecta|incorrecto|inválida|invalida|inválido|caducada|caducado|obligatoria\
    |requerida|errónea|erronea|la|el|los|las|de|del|para|por|con|en|es|no|se|su|tu|introduzca|escriba|vacía\
    |vacia|cambiada|olvidada|correcta|correcto|y|o|que|sin|un|una|ha|request|response|received|sent|type\
    |length|lookup|found|login|manager|dialog|service|agent|expires|expiry|check|verification|verified\
    |strength|policy|reset|change|hash|hashes|locked|unlocked|unchanged|minimum|maximum|keyring|interactive\
    |publickey|none|loaded|generated|created|revoked|refreshed|renewed|validated|issued|stored|saved|deleted\
    |removed|cached|needed|supplied|provided|given|specified|text|plain|encrypted|protected|sha512|yescrypt\
    |sha256|md5|bcrypt|argon2|argon2id|bearer|basic|eof|identifier|boolean|integer|object|array|number|str\
    |bytes|int|bool|valor|done|unexpected|argument|click|see|check|shown|will|files|yes|true|false|skip|skipped\
    |fail|shown|hidden|oculta|véase|ver|aquí|here";

/// Whether a word belongs to a sentence about a secret.
pub(super) fn is_prose(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    word.is_empty() || has(PROSE, &word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_of_their_properties() {
        for name in [
            "password",
            "DB_PASSWORD",
            "spring.datasource.password",
            "clientSecret",
            "clave",
            "contraseña",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SSHPASS",
            "api-key",
            "X-Api-Key",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY_BASE",
            "wep-key0",
            "auth_token",
            "AccountKey",
            "SharedAccessKey",
            "POSTGRES_PASSWORD_PROD",
            "javax.net.ssl.keyStorePassword",
            "requirepass",
            "wpa_passphrase",
            "PrivateKey",
            "PresharedKey",
            "LOGGED_IN_KEY",
            "session_id",
            "_authToken",
            "password2",
            "userPassword",
            "GITHUB_TOKEN",
            "accessKey",
            "private_key",
            "bot_token",
            "smtp_pass",
            "pin",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "password_file",
            "PasswordAuthentication",
            "max_tokens",
            "token_type",
            "public_key",
            "PublicKey",
            "primary_key",
            "keyboard",
            "NOPASSWD",
            "password_hash_algorithm",
            "secretName",
            "monkey",
            "passenger",
            "XDG_SESSION_ID",
            "bypass",
            "compass",
            "key",
            "api_key_name",
            "tokens",
            "token_count",
            "PASS_MAX_DAYS",
            "pinned",
            "host_key",
            "AuthorizedKeysFile",
            "keymap",
            "hotkey",
            "author",
            "PermitEmptyPasswords",
            "password-store",
            "PASSWORD_LENGTH",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_stands_for_a_value_is_none() {
        for hole in [
            "",
            "***",
            "xxxx",
            "${DB_PASSWORD}",
            "$PASS",
            "{{ vault_pw }}",
            "<password>",
            "null",
            "true",
            "/run/secrets/db",
            "~/.pgpass",
            "%s",
        ] {
            assert!(is_hole(hole), "{hole}");
        }
        for value in ["hunter2", "$ecret99", "p@ss", "/s3cr3t", "x1", "Tr0ub4dor&3", "{abc", "wJalrXUtnFEMI/K7MDENG"] {
            assert!(!is_hole(value), "{value}");
        }
    }
}
