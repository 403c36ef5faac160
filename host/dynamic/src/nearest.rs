//! The word that was probably meant.

/// The nearest of `words` to `word`, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let most = (folded.chars().count() / 3).clamp(1, 3);
    words
        .into_iter()
        .map(|candidate| {
            let distance = strsim::osa_distance(&folded, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, where something is near.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, words).map(|meant| format!("did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slips_are_suggested() {
        let words = ["set_value", "contains", "in"];
        assert_eq!(nearest("set_vlaue", words), Some("set_value"));
        assert_eq!(nearest("Contains", words), Some("contains"));
        assert_eq!(nearest("starts", words), None);
    }
}
