use super::*;
use crate::reasons::Behaviour;

fn wrong(text: &str) -> String {
    file::parse(text, "policy.toml").expect_err(text).to_string()
}

fn noticed(behaviour: Behaviour, raises_risk: bool, figure: f64) -> Noticed {
    Noticed { behaviour, raises_risk, figure: Some(figure) }
}

#[test]
fn the_built_in_policy_is_the_default_and_covers_every_reason() {
    let policy = Policy::built_in();
    assert_eq!(policy.worklist, WorklistSettings::default());
    let empty = file::parse("", BUILT_IN).expect("nothing is needed");
    assert_eq!((&empty.limits, &empty.messages), (&policy.limits, &policy.messages));
    assert_eq!(empty.action(WhichList::Act, 0.5, &[]), None);
    for (behaviour, action) in [
        (Behaviour::Submissions, "missed_item"),
        (Behaviour::Visits, "text_check_in"),
        (Behaviour::Videos, "check_in"),
        (Behaviour::Scores, "tutoring"),
        (Behaviour::Forum, "forum_introduction"),
        (Behaviour::Material, "check_in"),
    ] {
        assert_eq!(policy.action(WhichList::Act, 0.5, &[noticed(behaviour, true, 0.0)]), Some(action), "{behaviour}");
        assert_eq!(
            policy.action(WhichList::Praise, 0.1, &[noticed(behaviour, false, 3.0)]),
            Some("praise"),
            "{behaviour}"
        );
    }
    assert_eq!(policy.action(WhichList::Act, 0.5, &[]), Some("check_in"));
    let used: Vec<&str> = policy.actions_in_use().map(|(name, _)| name).collect();
    let expected = [
        "call_check_in",
        "check_in",
        "forum_introduction",
        "missed_item",
        "praise",
        "technical_support",
        "text_check_in",
        "tutoring",
    ];
    assert_eq!(used, expected);
}

#[test]
fn who_plays_no_video_but_is_there_is_another_case_than_who_stays_away() {
    let policy = Policy::built_in();
    let no_video = noticed(Behaviour::Videos, true, 0.0);
    let action = |noticed: &[Noticed]| policy.action(WhichList::Act, 0.5, noticed).expect("a rule fits").to_owned();
    assert_eq!(action(&[no_video, noticed(Behaviour::Material, false, 12.0)]), "technical_support");
    assert_eq!(action(&[no_video, noticed(Behaviour::Visits, true, 0.0)]), "check_in");
    assert_eq!(action(&[no_video]), "check_in");
    let few = noticed(Behaviour::Videos, true, 2.0);
    assert_eq!(action(&[few, noticed(Behaviour::Material, false, 12.0)]), "check_in");
}

#[test]
fn the_first_rule_that_fits_counts_with_its_range() {
    let text = "[[rule]]\nlist = \"act\"\nreason = \"any\"\nfrom = 0.7\naction = \"a\"\n\
                [[rule]]\nlist = \"act\"\nreason = \"any\"\nfrom = 0.3\nbelow = 0.5\naction = \"b\"\n\
                [actions.a]\nkind = \"call\"\n[actions.b]\nkind = \"message\"\ntemplate = \"check_in\"\n";
    let policy = file::parse(text, "policy.toml").expect("fine");
    for (p, action) in [(1.0, Some("a")), (0.7, Some("a")), (0.69, None), (0.5, None), (0.3, Some("b")), (0.2, None)] {
        assert_eq!(policy.action(WhichList::Act, p, &[]), action, "{p}");
        assert_eq!(policy.action(WhichList::Praise, p, &[]), None);
    }
    assert_eq!(policy.action_named("a").expect("there").1.channel, Channel::Call);
    assert_eq!(policy.action_named("b").expect("there").1.line, 16);
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_is_allowed() {
    let rule = "[actions.a]\nkind = \"message\"\n[[rule]]\nlist = \"act\"\naction = \"a\"\n";
    for (text, expected) in [
        (
            format!("{rule}reason = \"video\"\n"),
            "policy.toml: line 6: unknown reason `video`; allowed: any, visits, activity, study_time, videos, exercises, \
             material, forum, submissions, scores",
        ),
        (
            format!("{rule}reason = \"background\"\n"),
            "policy.toml: line 6: unknown reason `background`; allowed: any, visits, activity, study_time, videos, \
             exercises, material, forum, submissions, scores",
        ),
        (
            rule.replace("= \"a\"", "= \"b\"") + "reason = \"any\"\n",
            "policy.toml: line 5: there is no action `b`; the policy has a",
        ),
        (
            format!("{rule}reason = \"any\"\nfrom = 0.5\nbelow = 0.5\n"),
            "policy.toml: line 3: `from` and `below` are probabilities from 0 to 1, `from` the smaller one",
        ),
        (
            format!("{rule}reason = \"any\"\nonly_while_active = true\n"),
            "policy.toml: line 3: `only_while_active` needs a reason, which is the behaviour without activity",
        ),
        (
            rule.replace("act\"", "praise\"") + "reason = \"any\"\n",
            "policy.toml: line 5: actions of the kind `praise` are for the list `praise`, and others for the list `act`",
        ),
        (
            "[actions.a]\nkind = \"mail\"\n".to_owned(),
            "policy.toml: line 2, column 8: unknown variant `mail`, expected one of `message`, `summary`, `study_plan`, \
             `reminder`, `forum_introduction`, `referral`, `call`, `praise`",
        ),
        (
            "[actions.a]\nkind = \"message\"\ntemplate = \"../x\"\n".to_owned(),
            "policy.toml: line 3: a template is named by its file, without folder and ending, as `check_in`",
        ),
        (
            "[actions.a]\nkind = \"message\"\nchannel = \"call\"\n".to_owned(),
            "policy.toml: line 2: the kind `call` and the channel `call` go together",
        ),
        (
            "[actions.a]\nkind = \"summary\"\n".to_owned(),
            "policy.toml: line 2: a `summary` is for learners who asked for it; write `opt_in = true`",
        ),
        (
            "[actions.a]\nkind = \"message\"\nescalation = { after_days = 7, then = \"b\" }\n[actions.b]\nkind = \"call\"\n\
             escalation = { after_days = 7, then = \"a\" }\n"
                .to_owned(),
            "policy.toml: line 3: the escalations of `a` lead back to it",
        ),
        (
            "[actions.a]\nkind = \"message\"\nescalation = { after_days = 0, then = \"a\" }\n".to_owned(),
            "policy.toml: line 3: `after_days` is from 1 to 60",
        ),
        (
            "[actions.a]\nkind = \"message\"\nsigned_by = \"Anna\\nBcc: x\"\n".to_owned(),
            "policy.toml: line 3: `signed_by` is `tutor`, or a name on one line of up to 200 letters",
        ),
        (
            "[messages]\nsender = \"Team\\r\\nBcc: x@y.org <a@b.org>\"\n".to_owned(),
            "policy.toml: line 2: `messages.sender` is an address, as `Course team <team@example.org>`",
        ),
        (
            "[messages]\nlanguage = \"../en\"\n".to_owned(),
            "policy.toml: line 2: `messages.language` is a folder of templates, as `en`, `de` or `pt-BR`",
        ),
        (
            "[limits]\nquiet_from = \"25:00\"\n".to_owned(),
            "policy.toml: line 2: `limits.quiet_from` is a time of the day, as `20:00`",
        ),
        ("[limits]\nmost_per_week = 0\n".to_owned(), "policy.toml: line 2: `limits.most_per_week` is from 1 to 50"),
        (
            "[worklist]\nband_from = 0.9\n".to_owned(),
            "policy.toml: line 1: worklist.band_from is 0.9, and band_to 0.8; the band begins below its end",
        ),
        (
            "[worklist]\nband = 0.9\n".to_owned(),
            "policy.toml: line 2, column 1: unknown field `band`, expected one of `band_from`, `band_to`, `exploration`, \
             `least_weeks`, `pause_days`, `praise`, `seed`",
        ),
        (
            "[courses.x]\nname = \"a\\nb\"\n".to_owned(),
            "policy.toml: line 1: a text of a course is one line of up to 200 letters",
        ),
    ] {
        assert_eq!(wrong(&text), expected, "{text}");
    }
}

#[test]
fn a_policy_file_is_read_and_its_templates_are_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    assert!(matches!(Policy::read(&path), Err(PolicyError::Read { .. })));
    fs::write(&path, "[messages]\ntemplates = \"mine\"\nsender = \"a@b.org\"\n").expect("writable");
    let policy = Policy::read(&path).expect("fine");
    assert_eq!(policy.messages.templates, Some(folder.path().join("mine")));
    assert_eq!(policy.origin(), path.display().to_string());
}
