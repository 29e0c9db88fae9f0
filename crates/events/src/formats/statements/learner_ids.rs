//! The ids of learners: made of what statements call them, once all statements are known.
//!
//! A learner named by a name alone goes by it. An account is a name at a site, and a log may hold accounts of several
//! sites. Those of the *main site*, which is that of the earliest statement, go by their names alone, as most logs know one
//! site only; those of others go by `<site>|<name>`. What is added to a log later changes neither. A site is written
//! without `http://` or `https://` and without a slash at its end, which tell no sites apart.

use rustc_hash::{FxHashMap, FxHashSet};

use super::statement::Learner;

/// Stands between a site and a name: no address has it.
const BETWEEN: u8 = b'|';

/// Returns the site of a home page's address, in `room` where it is not written so. A host is the same in any case of letters.
pub(in crate::formats) fn site<'s>(home_page: &'s [u8], room: &'s mut Vec<u8>) -> &'s [u8] {
    let home_page = with_small_host(home_page, room);
    let scheme = [&b"https://"[..], b"http://"]
        .into_iter()
        .find(|scheme| home_page.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let site = &home_page[scheme.map_or(0, <[u8]>::len)..];
    &site[..site.len() - site.iter().rev().take_while(|&&byte| byte == b'/').count()]
}

/// Returns an id that is an address with its scheme and its host in small letters, in `room` where it is not written so; an id
/// that is none as it is. The host of `mailto:` stands after the last `@`.
pub(in crate::formats) fn with_small_host<'s>(id: &'s [u8], room: &'s mut Vec<u8>) -> &'s [u8] {
    if !id.iter().any(u8::is_ascii_uppercase) {
        return id;
    }
    let mail = b"mailto:";
    let small = if id.get(..mail.len()).is_some_and(|start| start.eq_ignore_ascii_case(mail)) {
        let host = id.iter().rposition(|&byte| byte == b'@').unwrap_or(mail.len());
        [0..mail.len(), host..id.len()]
    } else {
        let Some(scheme) = memchr::memmem::find(id, b"://") else { return id };
        let host = scheme + 3;
        let end = id[host..].iter().position(|&byte| byte == b'/').map_or(id.len(), |at| host + at);
        [0..end, end..end]
    };
    room.clear();
    room.extend_from_slice(id);
    small.into_iter().for_each(|part| room[part].make_ascii_lowercase());
    room
}

/// Tells the ids of learners.
#[derive(Debug, Default)]
pub(super) struct LearnerIds {
    main_site: Box<[u8]>,
    other_sites: FxHashSet<Box<[u8]>>,
    /// Names of learners who also go by numbers.
    names: FxHashMap<u64, Box<[u8]>>,
}

impl LearnerIds {
    /// Makes the ids of a log: its sites, each with the instant of its earliest statement, and the names of learners who
    /// also go by numbers.
    pub(super) fn new(mut sites: Vec<(i64, &[u8])>, names: FxHashMap<u64, Box<[u8]>>) -> Self {
        sites.sort_unstable();
        let mut sites = sites.into_iter().map(|(_, site)| site.into());
        Self { main_site: sites.next().unwrap_or_default(), other_sites: sites.collect(), names }
    }

    /// Returns a learner's id, in `room` where it is not written in a statement.
    pub(super) fn id<'r>(&'r self, learner: Learner<'r>, room: &'r mut Vec<u8>) -> &'r [u8] {
        match learner {
            Learner::Named(name) => name,
            Learner::Account { site, name } if *site == *self.main_site && !self.reads_as_other_site(name) => name,
            Learner::Account { site, name } => {
                room.clear();
                room.extend_from_slice(site);
                room.push(BETWEEN);
                room.extend_from_slice(name);
                room
            }
            Learner::Numbered(number) => match self.names.get(&number) {
                Some(name) => name,
                None => {
                    *room = format!("#{number}").into_bytes();
                    room
                }
            },
        }
    }

    /// Tells whether a name looks like the id of an account of another site.
    fn reads_as_other_site(&self, name: &[u8]) -> bool {
        !self.other_sites.is_empty()
            && memchr::memchr_iter(BETWEEN, name).any(|at| self.other_sites.contains(&name[..at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ids: &LearnerIds, site: &str, name: &str) -> String {
        let account = Learner::Account { site: site.as_bytes(), name: name.as_bytes() };
        String::from_utf8(ids.id(account, &mut Vec::new()).to_vec()).unwrap()
    }

    #[test]
    fn sites() {
        let room = &mut Vec::new();
        for home_page in ["https://lms.example", "http://LMS.Example/", "HTTPS://lms.example//", "lms.example"] {
            assert_eq!(site(home_page.as_bytes(), room), b"lms.example", "{home_page}");
        }
        assert_eq!(site(b"https://", room), b"");
        assert_eq!(site(b"https://LMS.example/A", room), b"lms.example/A");
        for (id, expected) in [
            ("MAILTO:Ann@Example.ORG", "mailto:Ann@example.org"),
            ("HTTPS://ID.example/Bob", "https://id.example/Bob"),
            ("Ann", "Ann"),
            ("MailTo:", "mailto:"),
        ] {
            assert_eq!(with_small_host(id.as_bytes(), room), expected.as_bytes());
        }
    }

    #[test]
    fn accounts_of_two_sites_never_share_an_id() {
        let ids = LearnerIds::new(vec![(9, b"b.example"), (3, b"a.example")], FxHashMap::default());
        assert_eq!(id(&ids, "a.example", "2"), "2");
        assert_eq!(id(&ids, "b.example", "2"), "b.example|2");
        assert_eq!(id(&ids, "a.example", "b.example|2"), "a.example|b.example|2");
        assert_eq!(id(&ids, "a.example", "auth0|2"), "auth0|2");
    }

    #[test]
    fn numbers_go_by_the_names_that_belong_to_them() {
        let ids = LearnerIds::new(Vec::new(), [(7, b"ann"[..].into())].into_iter().collect());
        let mut room = Vec::new();
        assert_eq!(ids.id(Learner::Numbered(7), &mut room), b"ann");
        assert_eq!(ids.id(Learner::Numbered(8), &mut room), b"#8");
    }
}
