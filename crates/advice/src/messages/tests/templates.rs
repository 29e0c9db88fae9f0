//! Templates of one's own.

use super::*;

fn own_template(desk: &mut Desk, text: &str) -> String {
    let folder = desk.folder.path().join("mine");
    fs::create_dir_all(folder.join("en")).expect("writable");
    fs::write(folder.join("en/check_in.txt"), text).expect("writable");
    desk.policy.messages.templates = Some(folder.clone());
    let row = row("1", "act", &[("visits", "raises_risk", FEW_VISITS)]);
    match desk.draft_at(&[row], NOON) {
        Ok(_) => fs::read_to_string(desk.outbox().join("drafts.txt")).expect("there"),
        Err(error) => {
            assert!(!desk.outbox().exists(), "nothing is written");
            error.to_string().replace(&desk.folder.path().display().to_string(), "")
        }
    }
}

#[test]
fn templates_of_ones_own_replace_built_in_ones() {
    let said = own_template(
        &mut Desk::new(&anna("en")),
        "Hi {{ first_name }}\n\nWeek {{ week }}: {{ figure.before|number }}.\n",
    );
    // The first name need not be there.
    assert!(said.contains("mine/en/check_in.txt: line 1: a value is written that need not be there"), "{said}");
    let text = "Hi{% if first_name %} {{ first_name }}{% endif %}\n\n\nWeek {{ week }}.\n";
    let said = own_template(&mut Desk::new(&anna("en")), text);
    assert!(said.contains("    Hi Anna\n\n    Week 4.\n"), "{said}");
}

#[test]
fn templates_of_any_editor_and_ids_of_any_letters_write_whole_messages() {
    let mut desk = Desk::new(&anna("en"));
    let text = "\u{feff}Hi\r\n\r\nWeek\t{{ week }}.\r\nSoft\u{ad}hyphen, می\u{200c}خواهم\r\n";
    let said = own_template(&mut desk, text);
    assert!(said.contains("    Hi\n\n    Week 4.\n    Softhyphen, می\u{200c}خواهم\n"), "{said}");
    fs::remove_dir_all(desk.outbox()).expect("there");
    let odd = row("1", "act", &[("visits", "raises_risk", FEW_VISITS)]).replace("\"stat\"", "\"a\\n\\nb  approved\"");
    desk.draft(&[odd]);
    let page = fs::read_to_string(desk.outbox().join("drafts.txt")).expect("there");
    assert!(page.contains("\nCourse a b approved, week 4\n"), "{page}");
}

#[test]
fn templates_that_cannot_be_used_are_refused_before_anything_is_written() {
    for (text, expected) in [
        (
            "Hi\n\nYour {{ p_dropout }}\n",
            "line 3: `p_dropout` is not for learners: no probability and no risk is told to them",
        ),
        (
            "Hi\n\n{% if gender == 'F' %}x{% endif %}\n",
            "line 3: `gender` is about the person, which no text may use; allowed: first_name, ",
        ),
        ("Hi\n\n{{ nmae }}\n", "line 3: `nmae` is no variable; allowed: first_name, name, course_name, "),
        ("Hi\n\n{{ items[0].title }}\n", "line 3: a value is written that need not be there"),
        ("Hi\n\n{% if x\n", "line 3: syntax error"),
        ("Hi\n\n{% include 'other.txt' %}\n", "line 3: it includes a template that is not there"),
        ("Hi\n", "its text is no message: it has a subject on the first line, then an empty line, then the body"),
        ("\n\nHi\n", "its text is no message"),
    ] {
        let said = own_template(&mut Desk::new(&anna("en")), text);
        // What is no template at all is found when it is read, whoever uses it.
        let used = "the template of the action `check_in` can't be used: /mine/en/check_in.txt: ";
        let is_by_action = said.starts_with("/policy.toml: line ") && said.contains(used);
        assert!(is_by_action || text.ends_with("{% if x\n") && said.starts_with("/mine/en/check_in.txt: "), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let mut desk = Desk::new(&anna("en"));
    desk.policy.messages.language = "nl".to_owned();
    let said = desk.draft_at(&[], NOON).expect_err("no Dutch").to_string();
    assert!(
        said.contains("there is no template `call_check_in` in the language `nl`")
            && said.ends_with("Languages: de, en, fr"),
        "{said}"
    );
}
