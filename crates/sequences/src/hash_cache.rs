//! Remembers the hashes of files, so that a folder is hashed once and not by every command.
//!
//! An entry is believed only for a file of the same device, number, size and times. It lies in the user's own cache; a
//! cache that can't be read or written costs time and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::file_identity::FileIdentity;

/// Counts the seconds that a file must have been left alone before its hash is remembered. A file system may give two writes
/// within that time the same time.
const SETTLED_SECONDS: i128 = 3;
/// Counts the seconds after which an entry is no longer believed: disks fail without a change of any time.
const BELIEVED_SECONDS: i128 = 30 * 24 * 3600;
/// Opens an entry.
const MARK: &str = "staycast-hash-1";
const NANOSECONDS: i128 = 1_000_000_000;

/// Holds the folder of the remembered hashes, where there is one.
#[derive(Clone, Debug)]
pub(crate) struct HashCache {
    folder: Option<PathBuf>,
}

impl HashCache {
    /// Returns the cache of the user: `$XDG_CACHE_HOME/staycast/hashes`, or that of `~/.cache`.
    pub(crate) fn of_user() -> Self {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        Self::within(caches.map(|caches| caches.join("staycast/hashes")))
    }

    /// Returns a cache that knows and keeps nothing.
    pub(crate) const fn none() -> Self {
        Self { folder: None }
    }

    fn within(folder: Option<PathBuf>) -> Self {
        Self { folder: folder.filter(|_| FileIdentity::IS_CERTAIN) }
    }

    /// Returns the hash of a file of this identity, where it is remembered.
    pub(crate) fn find(&self, identity: &FileIdentity) -> Option<String> {
        let folder = self.folder.as_ref().filter(|folder| is_private(folder))?;
        let path = folder.join(name_of(identity));
        // An entry is a line; anything long is none.
        fs::metadata(&path).ok().filter(|found| found.is_file() && found.len() < 1024)?;
        let text = fs::read_to_string(&path).ok()?;
        let (line, sum) = text.trim_end().rsplit_once(' ')?;
        if sum != sum_of(line) {
            return None;
        }
        let (rest, hash) = line.rsplit_once(' ')?;
        let (key, checked) = rest.rsplit_once(' ')?;
        let age = now() - checked.parse::<i128>().ok()?;
        (key == key_of(identity) && (0..BELIEVED_SECONDS).contains(&age)).then(|| hash.to_owned())
    }

    /// Remembers the hash of a file that had this identity before it was hashed, at `begun`, and after. Best effort.
    pub(crate) fn keep(&self, identity: &FileIdentity, begun: i128, hash: &str) {
        let settled = identity.changed.max(identity.modified) <= (begun - SETTLED_SECONDS) * NANOSECONDS;
        let Some(folder) = self.folder.as_ref().filter(|_| settled) else { return };
        if !is_private(folder) && make_private(folder).is_none() {
            return;
        }
        remove_old(folder);
        let line = format!("{} {} {hash}", key_of(identity), now());
        let _ = staycast_files::write(&folder.join(name_of(identity)), format!("{line} {}\n", sum_of(&line)));
    }
}

/// Returns the time, in seconds since 1970-01-01.
pub(crate) fn now() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i128::from(since.as_secs()))
}

fn name_of(identity: &FileIdentity) -> String {
    format!("{:x}-{:x}", identity.device, identity.number)
}

fn key_of(identity: &FileIdentity) -> String {
    let FileIdentity { device, number, bytes, modified, changed } = identity;
    format!("{MARK} {device} {number} {bytes} {modified} {changed}")
}

/// Returns a checksum of an entry, so that a damaged one is not believed.
fn sum_of(line: &str) -> String {
    blake3::hash(line.as_bytes()).to_hex()[..16].to_owned()
}

/// Tells whether nobody but its owner can write to the folder.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.permissions().mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}

fn make_private(folder: &Path) -> Option<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).ok()?;
    is_private(folder).then_some(())
}

/// Removes entries that are no longer believed.
fn remove_old(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let limit = std::time::Duration::from_secs(BELIEVED_SECONDS as u64);
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > limit) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const IDENTITY: FileIdentity =
        FileIdentity { device: 1, number: 2, bytes: 3, modified: 4 * NANOSECONDS, changed: 5 * NANOSECONDS };

    fn cache() -> (tempfile::TempDir, HashCache) {
        let place = tempfile::tempdir().expect("a folder");
        let cache = HashCache::within(Some(place.path().join("staycast/hashes")));
        (place, cache)
    }

    fn entry(place: &tempfile::TempDir) -> PathBuf {
        place.path().join("staycast/hashes/1-2")
    }

    #[test]
    fn a_hash_is_found_for_the_very_same_state_alone() {
        let (_place, cache) = cache();
        assert_eq!(cache.find(&IDENTITY), None);
        cache.keep(&IDENTITY, now(), "abc");
        assert_eq!(cache.find(&IDENTITY), Some("abc".to_owned()));
        let others = [
            FileIdentity { device: 9, ..IDENTITY },
            FileIdentity { number: 9, ..IDENTITY },
            FileIdentity { bytes: 9, ..IDENTITY },
            FileIdentity { modified: 9, ..IDENTITY },
            FileIdentity { changed: 9, ..IDENTITY },
        ];
        for other in others {
            assert_eq!(cache.find(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_file_that_was_just_written_is_not_remembered() {
        let (_place, cache) = cache();
        let begun = now();
        for (seconds, kept) in [(0, false), (SETTLED_SECONDS - 1, false), (SETTLED_SECONDS, true)] {
            let identity = FileIdentity { changed: (begun - seconds) * NANOSECONDS, ..IDENTITY };
            cache.keep(&identity, begun, "abc");
            assert_eq!(cache.find(&identity).is_some(), kept, "{seconds} seconds");
        }
        let future = FileIdentity { changed: (begun + 3600) * NANOSECONDS, ..IDENTITY };
        cache.keep(&future, begun, "abc");
        assert_eq!(cache.find(&future), None);
    }

    #[test]
    fn damaged_foreign_and_old_entries_are_not_believed() {
        let (place, cache) = cache();
        cache.keep(&IDENTITY, now(), "abc");
        let line = fs::read_to_string(entry(&place)).expect("an entry");
        for at in 0..line.trim_end().len() {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            fs::write(entry(&place), bytes).expect("writable");
            assert_eq!(cache.find(&IDENTITY), None, "byte {at}");
        }
        let old = format!("{} {} abc", key_of(&IDENTITY), now() - BELIEVED_SECONDS);
        fs::write(entry(&place), format!("{old} {}\n", sum_of(&old))).expect("writable");
        assert_eq!(cache.find(&IDENTITY), None);
        fs::write(entry(&place), &line).expect("writable");
        assert_eq!(cache.find(&IDENTITY), Some("abc".to_owned()));
        let folder = place.path().join("staycast/hashes");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("ours");
        assert_eq!(cache.find(&IDENTITY), None, "others could have written it");
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_failure() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        fs::write(&file, "x").expect("writable");
        let cache = HashCache::within(Some(file.join("hashes")));
        cache.keep(&IDENTITY, now(), "abc");
        assert_eq!(cache.find(&IDENTITY), None);
        assert_eq!(HashCache::within(None).find(&IDENTITY), None);
    }
}
