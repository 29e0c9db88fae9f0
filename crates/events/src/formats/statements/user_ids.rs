//! User ids: the names that belong to them, and whether some may be of several people.
//!
//! A platform counts its users from 1. So in logs of two platforms one id is two people, and it has two names, or comes from
//! hosts of two sites.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::byte_texts::ByteTexts;
use crate::notice::Notice;

/// Bounds the sites that are told apart.
const MOST_SITES: usize = 64;

/// Bounds the files that a notice names.
const NAMED_FILES: usize = 4;

/// Lists names of hosts, before the first dot, that one site has side by side.
const SERVICES: [&str; 10] = ["app", "apps", "cms", "courses", "learning", "lms", "mobile", "preview", "studio", "www"];

/// Holds the user ids of a log.
#[derive(Debug, Default)]
pub(super) struct UserIds {
    ids: Vec<UserId>,
    /// Places of ids by their numbers.
    places: HashTable<u32>,
    names: ByteTexts,
    sites: Vec<Box<[u8]>>,
    /// The host of the line before, and the bit of its site.
    before: (Vec<u8>, u64),
}

/// Holds what a log says of one user id. There may be millions of them.
#[derive(Clone, Debug)]
struct UserId {
    id: u64,
    /// Where the name stands in [`UserIds::names`]; of several the first in bytewise order.
    name: Option<[u8; 5]>,
    has_several_names: bool,
    /// A bit for each place in `sites`.
    sites: u64,
    /// The first and last file of the log that has it.
    files: (u32, u32),
}

impl UserIds {
    /// Adds that a user has this id and, where it is given, this name, and used this host, in file number `file` of the log.
    pub(super) fn add(&mut self, id: u64, name: Option<&[u8]>, host: &[u8], file: u32) {
        let sites = self.bit_of(host);
        let seen = Seen { name, has_several_names: false, sites, files: (file, file) };
        self.join_id(id, seen);
    }

    /// Adds what another holds.
    pub(super) fn absorb(&mut self, other: &Self) {
        let places: Vec<Option<usize>> = other.sites.iter().map(|site| self.site(site)).collect();
        for theirs in &other.ids {
            let mut sites = 0;
            for (place, here) in places.iter().enumerate() {
                if let Some(here) = here.filter(|_| theirs.sites >> place & 1 == 1) {
                    sites |= 1 << here;
                }
            }
            let UserId { id, has_several_names, files, .. } = *theirs;
            let name = theirs.name.map(|name| other.names.get(name));
            self.join_id(id, Seen { name, has_several_names, sites, files });
        }
    }

    /// Returns the name that belongs to an id.
    pub(super) fn name(&self, id: u64) -> Option<&[u8]> {
        let place = self.places.find(hash(id), |&place| self.ids[place as usize].id == id)?;
        self.ids[*place as usize].name.map(|name| self.names.get(name))
    }

    /// Says that some ids may be of several people, if they may. `file_names` are the log's files.
    pub(super) fn shared(&self, file_names: &[String]) -> Option<Notice> {
        let (mut with_several_names, mut at_several_sites, mut files) = (0, 0, BTreeSet::new());
        for user in &self.ids {
            let several_sites = user.sites.count_ones() > 1;
            with_several_names += u64::from(user.has_several_names);
            at_several_sites += u64::from(several_sites);
            if user.has_several_names || several_sites {
                files.extend([user.files.0, user.files.1]);
            }
        }
        if files.is_empty() {
            return None;
        }
        let mut names: Vec<String> =
            files.iter().take(NAMED_FILES).filter_map(|&file| file_names.get(file as usize).cloned()).collect();
        if files.len() > NAMED_FILES {
            names.push(format!("{} more files", files.len() - NAMED_FILES));
        }
        Some(Notice::SharedUserIds { with_several_names, at_several_sites, files: names })
    }

    fn join_id(&mut self, id: u64, new: Seen<'_>) {
        let Self { ids, places, names, .. } = self;
        let Some(&place) = places.find(hash(id), |&place| ids[place as usize].id == id) else {
            places.insert_unique(hash(id), ids.len() as u32, |&place| hash(ids[place as usize].id));
            let Seen { name, has_several_names, sites, files } = new;
            ids.push(UserId { id, name: name.map(|name| names.push(name)), has_several_names, sites, files });
            return;
        };
        let known = &mut ids[place as usize];
        known.see(new.sites, new.files.0);
        known.see(new.sites, new.files.1);
        known.has_several_names |= new.has_several_names;
        let Some(name) = new.name else { return };
        match known.name.map(|known| names.get(known).cmp(name)) {
            // As in nearly all lines.
            Some(Ordering::Equal) => {}
            Some(Ordering::Less) => known.has_several_names = true,
            Some(Ordering::Greater) => {
                known.has_several_names = true;
                known.name = Some(names.push(name));
            }
            None => known.name = Some(names.push(name)),
        }
    }

    /// Returns the bit of a host's site; 0 where there is none.
    fn bit_of(&mut self, host: &[u8]) -> u64 {
        if self.before.0 != host {
            self.before = (host.to_vec(), self.site(site(host)).map_or(0, |place| 1 << place));
        }
        self.before.1
    }

    /// Returns the place of a site; `None` where none is said, or there are too many.
    fn site(&mut self, site: &[u8]) -> Option<usize> {
        if site.is_empty() {
            return None;
        }
        let known = self.sites.iter().position(|known| **known == *site);
        known.or_else(|| {
            (self.sites.len() < MOST_SITES).then(|| {
                self.sites.push(site.into());
                self.sites.len() - 1
            })
        })
    }
}

/// Holds what is said of a user id.
#[derive(Clone, Copy)]
struct Seen<'n> {
    name: Option<&'n [u8]>,
    has_several_names: bool,
    sites: u64,
    files: (u32, u32),
}

fn hash(id: u64) -> u64 {
    FxBuildHasher.hash_one(id)
}

impl UserId {
    fn see(&mut self, sites: u64, file: u32) {
        self.sites |= sites;
        self.files = (self.files.0.min(file), self.files.1.max(file));
    }
}

/// Returns the site of a host: its name without a port and without the service that it begins with. Empty for an address in
/// numbers and a name of one word, which are those of machines.
fn site(host: &[u8]) -> &[u8] {
    let host = host.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_machine = !host.contains(&b'.') || host.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if is_machine {
        return b"";
    }
    let first = host.iter().position(|&byte| byte == b'.').unwrap_or_default();
    let is_service = SERVICES.iter().any(|service| service.as_bytes().eq_ignore_ascii_case(&host[..first]));
    let rest = &host[first + 1..];
    if is_service && rest.contains(&b'.') { rest } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_of_hosts() {
        for (host, expected) in [
            ("courses.uni.example", "uni.example"),
            ("Studio.uni.example:8000", "uni.example"),
            ("lms.example", "lms.example"),
            ("north.example.org", "north.example.org"),
            ("10.0.0.1:80", ""),
            ("ip-10-0-0-1", ""),
            ("", ""),
        ] {
            assert_eq!(site(host.as_bytes()), expected.as_bytes(), "{host}");
        }
    }

    /// An id, a name, a host and the file that has them.
    type Line = (u64, Option<&'static [u8]>, &'static [u8], u32);

    #[test]
    fn ids_of_several_people_in_any_order() {
        let all: [Line; 7] = [
            (7, Some(b"ann"), b"lms.a.example", 0),
            (7, Some(b"bob"), b"lms.a.example", 2),
            (8, Some(b"cho"), b"www.a.example", 0),
            (8, None, b"lms.b.example", 1),
            (9, Some(b"dan"), b"lms.a.example", 0),
            (9, Some(b"dan"), b"studio.a.example", 5),
            (9, None, b"worker", 6),
        ];
        let files: Vec<String> = (0..7).map(|file| format!("{file}.log")).collect();
        for rotation in 0..all.len() {
            let mut all = all;
            all.rotate_left(rotation);
            let (mut first, mut second) = (UserIds::default(), UserIds::default());
            for (place, (id, name, host, file)) in all.into_iter().enumerate() {
                if place % 2 == 0 { &mut first } else { &mut second }.add(id, name, host, file);
            }
            first.absorb(&second);
            assert_eq!(
                first.shared(&files),
                Some(Notice::SharedUserIds {
                    with_several_names: 1,
                    at_several_sites: 1,
                    files: ["0.log", "1.log", "2.log"].map(str::to_owned).to_vec()
                })
            );
            assert_eq!([7, 8, 9].map(|id| first.name(id)), [Some(&b"ann"[..]), Some(b"cho"), Some(b"dan")]);
        }
        let mut one = UserIds::default();
        one.add(9, Some(b"dan"), b"lms.a.example", 0);
        assert_eq!(one.shared(&files), None);
    }
}
