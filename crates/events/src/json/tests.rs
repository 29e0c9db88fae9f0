use super::*;
use proptest::prelude::*;

fn check(text: &[u8]) -> Result<(), InvalidJson> {
    let mut cursor = Cursor::new(text);
    cursor.skip()?;
    cursor.end()
}

#[test]
fn what_is_broken_is_told() {
    for (text, what) in [
        ("", "no value where it ends"),
        ("{", "no key where one must stand"),
        ("{\"a\"}", "a key without a colon"),
        ("{\"a\":1", "an object that does not end"),
        ("{\"a\":1 \"b\":2}", "no comma between members"),
        ("{\"a\":1,}", "no key where one must stand"),
        ("[1 2]", "no comma between elements"),
        ("[1", "an array that does not end"),
        ("[1,]", "no value where one must stand"),
        ("{} {}", "something after its end"),
        ("\"a", "a string that does not end"),
        (r#""\x""#, "an escape that JSON does not know"),
        (r#""\u12g4""#, "an escape that JSON does not know"),
        ("nul", "a word that JSON does not know"),
        ("01", "a number that is not JSON's"),
        ("1.", "a number that is not JSON's"),
        ("-", "a number that is not JSON's"),
        ("2e", "a number that is not JSON's"),
        ("+1", "no value where one must stand"),
    ] {
        assert_eq!(check(text.as_bytes()), Err(InvalidJson(what)), "{text}");
    }
    assert_eq!(check(&[b'['; 200]), Err(InvalidJson("brackets inside brackets too deep")));
}

#[test]
fn numbers_without_a_value_as_python_writes_them() {
    for text in ["NaN", "Infinity", "-Infinity", "[NaN, -Infinity]", "{\"a\": Infinity}"] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
    assert_eq!(Cursor::new(b" NaN").value(), Ok(Value::Null));
    for text in ["Nan", "nan", "-Inf", "Infinit", "-NaN"] {
        assert!(check(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn ids_are_text_or_numbers() {
    for (text, id, number) in [
        ("\"ann\"", Some("ann"), None),
        ("101", Some("101"), Some(101)),
        ("101.0", Some("101"), Some(101)),
        ("1.5", Some("1.5"), None),
        ("\"5.0\"", Some("5.0"), Some(5)),
        ("\"\"", Some(""), None),
        ("null", None, None),
        ("NaN", None, None),
        ("[1]", None, None),
    ] {
        let value = Cursor::new(text.as_bytes()).value().unwrap();
        assert_eq!(value.id().map(|id| id.raw), id.map(str::as_bytes), "{text}");
        assert_eq!(value.whole_number(), number, "{text}");
    }
}

#[test]
fn escapes() {
    let text = |raw: &str| {
        let mut cursor = Cursor::new(raw.as_bytes());
        let text = cursor.value().unwrap().text().unwrap();
        String::from_utf8(text.resolve(&mut Vec::new()).to_vec()).unwrap()
    };
    assert_eq!(text(r#""a\"b\\\/\n\u00e9\ud83d\ude00 \ud83d!""#), "a\"b\\/\né😀 \u{fffd}!");
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|number: f64| number.into()),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((".{0,4}", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_walked_over(value in values(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(check(text.as_bytes()), Ok(()));
        if let serde_json::Value::String(whole) = &value {
            let found = Cursor::new(text.as_bytes()).value().unwrap().text().unwrap();
            let mut room = Vec::new();
            prop_assert_eq!(found.resolve(&mut room), whole.as_bytes());
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused(text in "[\\[\\]{}:,\"\\\\ntru0-9.eE+ -]{0,12}") {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(check(text.as_bytes()).is_ok(), theirs, "{}", text);
    }

    #[test]
    fn a_text_cut_short_is_broken(value in values(), cut in 0.0..1.0) {
        let text = serde_json::to_string(&serde_json::json!({"a": value})).unwrap();
        let end = (text.len() as f64 * cut) as usize;
        prop_assert!(object(&text.as_bytes()[..end], |_, cursor| cursor.skip()).is_err());
    }
}
