//! Keys and tokens that services mark as theirs: each begins, or is built, like nothing else.

use super::Hint::{Build as B, Words};
use super::Mark::Secret;
use super::{Build, Rule, take};

const fn token(id: &'static str, words: &'static str, pattern: &'static str) -> Rule {
    Rule { id, mark: Secret, hint: Words(words), pattern, take }
}

/// A token without a word that would be rare.
const fn long(id: &'static str, pattern: &'static str) -> Rule {
    Rule { id, mark: Secret, hint: B(Build::Long), pattern, take }
}

/// One row a kind of token. Lengths are the shortest seen, not the exact ones: services lengthen theirs.
pub(super) const RULES: &[Rule] = &[
    token(
        "jwt",
        "eyJ",
        r"(?-u:\b)ey[JK][A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}|(?-u:\b)eyJ(?:hbGci|0eXAi|raWQi|lbmMi)[A-Za-z0-9_-]{8,}",
    ),
    token("aws-key-id", "AKIA|ASIA|ABIA|ACCA", r"(?-u:\b|_)(?P<s>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,20})(?-u:\b)"),
    token(
        "google-key",
        "AIza|ya29.|GOCSPX|1//0",
        r"(?-u:\b)(?:AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{16,}|GOCSPX-[0-9A-Za-z_-]{20,}|1//0[0-9A-Za-z_-]{20,})",
    ),
    token("azure-secret", "8Q~|7Q~", r"[A-Za-z0-9_.~-]{3}[78]Q~[A-Za-z0-9_.~-]{25,}"),
    token(
        "github-token",
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
        r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    ),
    token(
        "gitlab-token",
        "glpat-|gldt-|glrt-|glcbt-|glptt-|glft-|glimt-|glagent-|glsoat-|gloas-|glffct-|GR1348941",
        r"(?:gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_.=-]{12,}|GR1348941[A-Za-z0-9_-]{16,})",
    ),
    token(
        "slack-token",
        "xox|xapp-|hooks.slack.com",
        r"(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}|xapp-[0-9A-Za-z-]{16,}|hooks\.slack\.com/(?P<s>(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{16,}))",
    ),
    token(
        "webhook",
        "api/webhooks/|webhook.office.com|logic.azure.com",
        r"(?:api/webhooks/|webhook\.office\.com/)(?P<s>[A-Za-z0-9@/_-]{20,})",
    ),
    long("discord-token", r"(?-u:\b)[MNO][A-Za-z0-9_-]{22,26}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"),
    token(
        "stripe-key",
        "live_|_test_|whsec_",
        r"(?:(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|(?-u:\b)live_[0-9]{6,}_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/=]{16,})",
    ),
    token("npm-token", "npm_", r"(?-u:\b)npm_[A-Za-z0-9]{30,}"),
    token("pypi-token", "pypi-", r"pypi-Ag[A-Za-z0-9_-]{16,}|pypi-[A-Za-z0-9_-]{40,}"),
    token("ai-key", "sk-|gsk_|xai-|pplx-|r8_|hf_|fw_", AI),
    Rule {
        id: "telegram-token",
        mark: Secret,
        hint: B(Build::Digits),
        pattern: r"(?:^|[^A-Za-z0-9]|bot)(?P<s>[0-9]{7,11}:[A-Za-z0-9_-]{32,})(?:[^A-Za-z0-9_-]|$)",
        take,
    },
    token("sendgrid-key", "SG.", r"(?-u:\b)SG\.[A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{14,}"),
    long("twilio-key", r"(?-u:\b)(?:SK|AC)[0-9a-f]{32}(?-u:\b)"),
    token("mail-service-key", "key-|-us|xkeysib-|xsmtpsib-", MAIL),
    token("digitalocean-token", "dop_v1_|doo_v1_|dor_v1_", r"do[opr]_v1_[0-9a-f]{32,}"),
    token("shop-token", "shpat_|shpca_|shppa_|shpss_|sq0|EAAA", SHOP),
    token("hashicorp-token", "hvs.|hvb.|hvr.|.atlasv1.", HASHICORP),
    token(
        "grafana-token",
        "glsa_|glc_|NRAK-|NRJS-|NRII-|sntrys_|sntryu_|dapi|dp.",
        r"(?-u:\b)(?:glsa_[A-Za-z0-9_]{24,}|glc_[A-Za-z0-9+/=]{24,}|NR(?:AK|JS|II)-[A-Za-z0-9_-]{16,}|sntry[su]_[A-Za-z0-9+/=_]{24,}|dapi[0-9a-f]{30,}(?:-[0-9])?|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{24,})",
    ),
    token(
        "package-token",
        "rubygems_|oy2|dckr_|PMAK-|SWMTKN|nvapi-|tskey-|sbp_|pscale_|lin_api_|ntn_|secret_|sgp_|pul-\
            |fo1_|fm2_|HRKU-|ATATT3|ATCTT3|ATBB|figd_|CFPAT-|LTAI|AQVN|v1.0-",
        PACKAGE,
    ),
    token(
        "social-token",
        "EAA|AAAAAAAAAAAAAAAAAAAAA|IGQ",
        r"(?-u:\b)(?:EAA[A-Za-z0-9]{30,}|A{21}[A-Za-z0-9%]{30,}|IGQ[A-Za-z0-9_-]{60,})",
    ),
    token("age-key", "AGE-SECRET-KEY-|AGE-PLUGIN-", r"(?i)AGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9]+)-(?:PQ-)?1[0-9A-Z]{16,}"),
    token("wallet-key", "prv", r"(?-u:\b)[xyzt]prv[1-9A-HJ-NP-Za-km-z]{50,}"),
    token("one-time-password", "otpauth", r"(?i)otpauth(?:-migration)?(?::|%3A)(?:/|%2F){2}(?P<s>[^\s\x22'<>]+)"),
    token("putty-key", "Private-MAC|Private-Lines", r"Private-MAC: (?P<s>[0-9a-f]{16,})"),
];

const AI: &str = r"(?-u:\b)(?:sk-(?:proj|svcacct|admin|ant|or|lf|live|test)-[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{20,}|fw_[A-Za-z0-9]{20,})";
const MAIL: &str = r"(?-u:\b)(?:key-[0-9a-z]{32}|[0-9a-f]{32}-us[0-9]{1,2}|xkeysib-[0-9a-f]{32,}-[A-Za-z0-9]{8,}|xsmtpsib-[0-9a-f]{32,}-[A-Za-z0-9]{8,})(?-u:\b)";
const SHOP: &str =
    r"(?-u:\b)(?:shp(?:at|ca|pa|ss)_[0-9a-fA-F]{30,}|sq0[a-z]{3}-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{40,})";
const HASHICORP: &str = r"(?-u:\b)(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{30,})";
const PACKAGE: &str = r"(?-u:\b)(?:rubygems_[0-9a-f]{40,}|oy2[a-z0-9]{43}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|PMAK-[0-9a-f]{20,}(?:-[0-9a-f]+)?|SWMTKN-1-[0-9a-z]{20,}-[0-9a-z]{16,}|nvapi-[A-Za-z0-9_-]{40,}|tskey-[a-z]+-[A-Za-z0-9-]{12,}|sbp_[0-9a-f]{36,}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{24,}|lin_api_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{30,}|secret_[A-Za-z0-9]{36,}|sgp_[A-Za-z0-9_]{36,}|pul-[0-9a-f]{36,}|f[om][12]_[A-Za-z0-9+/=_-]{36,}|HRKU-[A-Za-z0-9_-]{30,}|AT[AC]TT3[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9_=-]{24,}|figd_[A-Za-z0-9_-]{30,}|CFPAT-[A-Za-z0-9_-]{36,}|LTAI[A-Za-z0-9]{12,24}|AQVN[A-Za-z0-9_-]{32,}|v1\.0-[0-9a-f]{20,}-[0-9a-f]{60,})";
