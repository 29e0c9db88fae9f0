//! Looks up what a Linux machine has of Vulkan, where the loader does (its documentation, "Linux Driver Discovery").

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::seen::{DeviceFile, DriverFile, DriverVariable, Seen};

/// Bounds the bytes that are read of a driver's description, which takes a few hundred.
const MOST_OF_A_DESCRIPTION: u64 = 64 << 10;
/// Lists the variables that name drivers, the newest first, which wins.
const VARIABLES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// Looks at this machine.
pub(super) fn look() -> Seen {
    let libraries = Libraries::of_system();
    let (variable, descriptions) = match VARIABLES.into_iter().find_map(|name| Some((name, env::var_os(name)?))) {
        Some((name, value)) => {
            let named: Vec<PathBuf> = env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect();
            let absent = named.iter().filter(|path| !path.exists()).map(|path| path.display().to_string()).collect();
            (Some(DriverVariable { name, absent }), named.iter().flat_map(|path| descriptions_at(path)).collect())
        }
        None => (None, usual_folders().iter().flat_map(|folder| descriptions_at(folder)).collect::<Vec<_>>()),
    };
    Seen {
        loader: libraries.have("libvulkan.so.1"),
        variable,
        drivers: descriptions.iter().map(|path| describe(path, &libraries)).collect(),
        device_files: device_files(),
        nvidia_module: Path::new("/proc/driver/nvidia/version").exists(),
        container: ["/.dockerenv", "/run/.containerenv"].into_iter().any(|file| Path::new(file).exists())
            || env::var_os("NVIDIA_VISIBLE_DEVICES").is_some()
            || env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
    }
}

/// Lists the folders in which drivers are described.
fn usual_folders() -> Vec<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let of_home = |variable: &str, under: &str| {
        env::var_os(variable).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(under)))
    };
    let listed = |variable: &str, usual: &str| {
        let value = env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or_else(|| usual.into());
        env::split_paths(&value).collect::<Vec<_>>()
    };
    let mut folders: Vec<PathBuf> = of_home("XDG_CONFIG_HOME", ".config").into_iter().collect();
    folders.extend(listed("XDG_CONFIG_DIRS", "/etc/xdg"));
    folders.push("/etc".into());
    folders.extend(of_home("XDG_DATA_HOME", ".local/share"));
    folders.extend(listed("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
    folders.into_iter().map(|folder| folder.join("vulkan/icd.d")).collect()
}

/// Lists the descriptions at a path: itself, or those of a folder in the order of their names.
fn descriptions_at(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    found.sort();
    found
}

/// Reads a description.
fn describe(path: &Path, libraries: &Libraries) -> DriverFile {
    let library = library_of(path);
    let present = library.as_deref().is_some_and(|library| match library.contains('/') {
        true => path.parent().unwrap_or(path).join(library).exists(),
        false => libraries.have(library),
    });
    DriverFile { path: path.display().to_string(), library, present }
}

fn library_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST_OF_A_DESCRIPTION).read_to_string(&mut text).ok()?;
    let description: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(description.get("ICD")?.get("library_path")?.as_str()?.to_owned())
}

/// Holds the folders that the dynamic linker looks into.
struct Libraries(Vec<PathBuf>);

impl Libraries {
    fn of_system() -> Self {
        let mut folders: Vec<PathBuf> =
            env::var_os("LD_LIBRARY_PATH").map(|value| env::split_paths(&value).collect()).unwrap_or_default();
        let configured = fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten().flatten();
        for file in configured.map(|entry| entry.path()).chain(["/etc/ld.so.conf".into()]) {
            let text = fs::read_to_string(file).unwrap_or_default();
            folders.extend(text.lines().map(str::trim).filter(|line| line.starts_with('/')).map(PathBuf::from));
        }
        for root in ["/lib", "/usr/lib", "/usr/local/lib"] {
            let triplet = format!("{}-linux-gnu", env::consts::ARCH);
            folders.extend([root.into(), format!("{root}64").into(), Path::new(root).join(triplet)]);
        }
        // Where NixOS keeps drivers.
        folders.push("/run/opengl-driver/lib".into());
        Self(folders)
    }

    fn have(&self, name: &str) -> bool {
        self.0.iter().any(|folder| folder.join(name).exists())
    }
}

/// Lists the device files of GPUs: render nodes, NVIDIA's, and that of Windows under Linux.
fn device_files() -> Vec<DeviceFile> {
    let in_folder = |folder: &str, is_gpu: fn(&str) -> bool| {
        let names = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            names.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_gpu(name)).collect();
        names.sort();
        names.into_iter().map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    let is_card = |name: &str| {
        let number = name.strip_prefix("nvidia");
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut paths = in_folder("/dev/dri", |name| name.starts_with("renderD"));
    paths.extend(in_folder("/dev", is_card));
    paths.extend(in_folder("/dev", |name| name == "dxg"));
    paths
        .into_iter()
        .map(|path| DeviceFile { open: OpenOptions::new().read(true).write(true).open(&path).is_ok(), path })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).expect("writable");
        path
    }

    #[test]
    fn a_description_names_its_library() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = folder.path();
        let none = Libraries(Vec::new());
        let icd = |library: &str| format!(r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"{library}"}}}}"#);
        written(here, "libdriver.so", "");
        for (library, present) in [("./libdriver.so", true), ("../libdriver.so", false), ("libdriver.so", false)] {
            let found = describe(&written(here, "a.json", &icd(library)), &none);
            assert_eq!((found.library.as_deref(), found.present), (Some(library), present), "{library}");
        }
        let there = Libraries(vec![here.to_owned()]);
        assert!(describe(&written(here, "a.json", &icd("libdriver.so")), &there).present);
        for wrong in ["", "[]", "{}", r#"{"ICD":3}"#, r#"{"ICD":{"library_path":3}}"#, "\u{0}"] {
            let found = describe(&written(here, "a.json", wrong), &there);
            assert_eq!((found.library, found.present), (None, false), "{wrong}");
        }
    }

    #[test]
    fn descriptions_are_a_file_or_those_of_a_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = folder.path();
        let (a, b) = (written(here, "a.json", ""), written(here, "b.json", ""));
        written(here, "c.txt", "");
        assert_eq!(descriptions_at(here), [a.clone(), b]);
        assert_eq!(descriptions_at(&a), std::slice::from_ref(&a));
        assert_eq!(descriptions_at(&here.join("gone")), Vec::<PathBuf>::new());
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let seen = look();
        assert!(seen.drivers.iter().all(|driver| !driver.path.is_empty()));
    }
}
