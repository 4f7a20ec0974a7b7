//! Truth values as Go reads them, since cosign's users write `COSIGN_YES=1`.

/// Reads what Go's `strconv.ParseBool` reads.
pub(crate) fn parse(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("wanted true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_truth_values_are_read_and_others_refused() {
        for (text, value) in [("1", true), ("t", true), ("True", true), ("0", false), ("F", false), ("FALSE", false)] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
        for text in ["", "yes", "no", "on", "2", "tRUE", " true"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
