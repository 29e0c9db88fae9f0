//! The style sheets of drawings: colours come from the tokens that the page has too.

/// Holds the colours, spacing and type as CSS custom properties, light and dark: shared by pages and drawings.
pub const TOKENS: &str = include_str!("../../assets/tokens.css");

/// Holds the rules for the classes of drawings, which start with `sc-`. They need the tokens beside them.
pub const STYLE: &str = include_str!("../../assets/figures.css");

/// Returns the style sheet of a drawing in a file of its own.
///
/// Before each rule that asks for a token stands its value in light mode, for programs that read SVG but know no custom
/// properties.
pub(super) fn file_style() -> String {
    let mut style = String::from(TOKENS);
    for line in STYLE.lines() {
        match line.split_once(": var(").and_then(|(property, rest)| Some((property, rest.strip_suffix(");")?))) {
            Some((property, token)) => {
                if let Some(value) = light_value(token) {
                    style += &format!("{property}: {value};\n");
                }
                style += line;
            }
            None => style += line,
        }
        style.push('\n');
    }
    style
}

/// Returns a token's value where nothing asks for dark mode: the first that the sheet gives it.
fn light_value(token: &str) -> Option<&'static str> {
    let given = TOKENS.lines().find_map(|line| line.trim().strip_prefix(token)?.strip_prefix(": "))?;
    given.strip_suffix(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_of_a_drawing_has_a_value_of_its_own() {
        let tokens = STYLE.split("var(").skip(1).filter_map(|rest| rest.split(')').next());
        let mut found = 0;
        for token in tokens {
            assert!(light_value(token).is_some_and(|value| !value.contains("var(")), "{token}");
            found += 1;
        }
        assert!(found > 15, "{found} tokens");
        assert_eq!(file_style().matches("var(").count(), found, "each is asked for in a line of its own");
        assert_eq!(file_style().lines().count(), TOKENS.lines().count() + STYLE.lines().count() + found);
    }
}
