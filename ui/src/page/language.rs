//! The language a browser asks for. (RFC 9110 section 12.5.4)

use venia_proto::ledger::body::Language;

/// The one of our languages that `Accept-Language` wants most; the first of equals. Those with weight 0 are refused.
pub fn accepted(header: &str) -> Option<Language> {
    let wanted = header.split(',').filter_map(|range| {
        let (tag, weight) = range.split_once(';').map_or((range, None), |(tag, weight)| (tag, Some(weight)));
        let language = match tag.trim().split('-').next().unwrap_or("").to_ascii_lowercase().as_str() {
            "es" => Language::Es,
            "en" => Language::En,
            _ => return None,
        };
        let weight = weight.map_or(Some(1.0), |weight| weight.trim().strip_prefix("q=")?.trim().parse::<f32>().ok());
        weight.filter(|weight| *weight > 0.0).map(|weight| (language, weight))
    });
    let best = wanted.fold(None, |best: Option<(Language, f32)>, one| match best {
        Some(best) if best.1 >= one.1 => Some(best),
        _ => Some(one),
    });
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_ours_is_taken() {
        for (header, language) in [
            ("es-ES,es;q=0.9,en;q=0.8", Some(Language::Es)),
            ("en-US,en;q=0.9", Some(Language::En)),
            ("de-DE,de;q=0.9,es;q=0.3,en;q=0.5", Some(Language::En)),
            ("ES", Some(Language::Es)),
            ("en;q=0.5, es;q=0.5", Some(Language::En)),
            ("es;q=0, en;q=0.1", Some(Language::En)),
            ("es;q=zero", None),
            ("fr, de", None),
            ("", None),
            (",;,q=1", None),
        ] {
            assert_eq!(accepted(header), language, "{header}");
        }
    }
}
