//! Concludes what a Linux machine lacks from what was seen there of Vulkan and of GPUs.

/// Describes what lies on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Vulkan's loader, `libvulkan.so.1`, is among the libraries.
    pub(super) loader: bool,
    /// A variable that names the drivers, in place of the usual folders.
    pub(super) variable: Option<DriverVariable>,
    /// The descriptions of drivers that the loader reads.
    pub(super) drivers: Vec<DriverFile>,
    /// Device files of GPUs.
    pub(super) device_files: Vec<DeviceFile>,
    /// NVIDIA's kernel module is loaded.
    pub(super) nvidia_module: bool,
    /// The process is in a container.
    pub(super) container: bool,
}

/// Holds a variable that names drivers' descriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DriverVariable {
    pub(super) name: &'static str,
    /// Files and folders that it names and that are not there.
    pub(super) absent: Vec<String>,
}

/// Describes a driver, as its JSON does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DriverFile {
    /// The JSON's path.
    pub(super) path: String,
    /// The library that it names; `None` where it names none.
    pub(super) library: Option<String>,
    /// Whether the library is there.
    pub(super) present: bool,
}

/// Describes a device file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceFile {
    pub(super) path: String,
    /// The process may read and write it.
    pub(super) open: bool,
}

impl DriverFile {
    fn is_nvidia(&self) -> bool {
        let names = [Some(&self.path), self.library.as_ref()];
        names.into_iter().flatten().any(|name| name.to_ascii_lowercase().contains("nvidia"))
    }
}

impl Seen {
    /// Lists what stands between this machine's GPUs and Vulkan, the most likely cause first.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.loader {
            found.push(
                "the Vulkan loader libvulkan.so.1 is not among the libraries; it is in the package libvulkan1 (Debian, \
                 Ubuntu), vulkan-loader (Fedora) or vulkan-icd-loader (Arch)"
                    .to_owned(),
            );
        }
        if let Some(DriverVariable { name, absent }) = &self.variable {
            found.extend(absent.iter().map(|path| format!("{name} names {path}, which is not there")));
        }
        let broken = self.drivers.iter().filter(|driver| !driver.present);
        found.extend(broken.map(|driver| match &driver.library {
            Some(library) => {
                let bring = if driver.is_nvidia() { format!("; {}", self.nvidia_libraries()) } else { String::new() };
                format!("{} names the library {library}, which is not there{bring}", driver.path)
            }
            None => format!("{} names no library, so it is no description of a Vulkan driver", driver.path),
        }));
        let has_nvidia = self.nvidia_module || self.device_files.iter().any(|file| file.path.contains("nvidia"));
        if has_nvidia && !self.drivers.iter().any(DriverFile::is_nvidia) {
            found.push(format!(
                "there is an NVIDIA card, and no description of its Vulkan driver (nvidia_icd.json){}; {}",
                self.of_variable(),
                self.nvidia_libraries()
            ));
        } else if self.drivers.is_empty() {
            found.extend(self.about_no_driver());
        }
        found.extend(self.about_device_files());
        found
    }

    /// Says what brings drivers, unless it has been said which of those that were named are not there.
    fn about_no_driver(&self) -> Option<String> {
        match &self.variable {
            Some(DriverVariable { absent, .. }) if !absent.is_empty() => None,
            Some(DriverVariable { name, .. }) => Some(format!("{name} names no Vulkan driver")),
            None => Some(
                "no Vulkan driver is described in /usr/share/vulkan/icd.d or /etc/vulkan/icd.d; those of AMD and Intel cards \
                 are in the package mesa-vulkan-drivers (Debian, Ubuntu, Fedora), those of NVIDIA cards come with NVIDIA's driver"
                    .to_owned(),
            ),
        }
    }

    /// Says of the drivers that only a variable's were looked at.
    fn of_variable(&self) -> String {
        self.variable.as_ref().map_or_else(String::new, |variable| format!(", as {} names others", variable.name))
    }

    /// Says what brings NVIDIA's libraries.
    fn nvidia_libraries(&self) -> &'static str {
        if self.container {
            "start the container with NVIDIA_DRIVER_CAPABILITIES=all (it must hold `graphics`), or name the file with \
             VK_DRIVER_FILES"
        } else {
            "it is in the package nvidia-vulkan-icd (Debian) or libnvidia-gl-NUMBER (Ubuntu) of the driver's version, or name \
             the file with VK_DRIVER_FILES"
        }
    }

    fn about_device_files(&self) -> Option<String> {
        if self.device_files.iter().any(|file| file.open) {
            return None;
        }
        let Some(closed) = self.device_files.first() else {
            let given = match (self.nvidia_module, self.container) {
                (true, _) => {
                    "NVIDIA's kernel module is loaded, and /dev/nvidia0 is not here: give the container the card, as \
                              with `--gpus all`"
                }
                (false, true) => {
                    "there is no GPU, or the container was not given it, as with `--gpus all` or `--device /dev/dri`"
                }
                (false, false) => "there is no GPU, or no kernel driver for it",
            };
            return Some(format!("there is no device file of a GPU (/dev/dri/renderD128, /dev/nvidia0): {given}"));
        };
        Some(format!(
            "{} may not be opened by this user; join the group that it belongs to (usually `render`)",
            closed.path
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(path: &str, library: &str, present: bool) -> DriverFile {
        DriverFile { path: path.to_owned(), library: Some(library.to_owned()), present }
    }

    fn device(path: &str, open: bool) -> DeviceFile {
        DeviceFile { path: path.to_owned(), open }
    }

    fn lavapipe() -> DriverFile {
        driver("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "/usr/lib/libvulkan_lvp.so", true)
    }

    /// Describes a machine with one AMD card on which everything is as it should be.
    fn complete() -> Seen {
        Seen {
            loader: true,
            drivers: vec![driver("/usr/share/vulkan/icd.d/radeon_icd.x86_64.json", "libvulkan_radeon.so", true)],
            device_files: vec![device("/dev/dri/renderD128", true)],
            ..Seen::default()
        }
    }

    /// Checks that exactly one thing is missing, and that its description has these words.
    fn check(seen: &Seen, words: &[&str]) {
        let found = seen.missing();
        assert_eq!(found.len(), 1, "{found:?}");
        for word in words {
            assert!(found[0].contains(word), "{word} in {found:?}");
        }
    }

    #[test]
    fn nothing_is_missing_on_a_complete_machine() {
        assert_eq!(complete().missing(), Vec::<String>::new());
    }

    #[test]
    fn the_loader_is_named_with_its_package() {
        check(&Seen { loader: false, ..complete() }, &["libvulkan.so.1", "package libvulkan1"]);
    }

    #[test]
    fn a_variable_that_names_what_is_not_there() {
        let variable = DriverVariable { name: "VK_DRIVER_FILES", absent: vec!["/opt/nvidia_icd.json".to_owned()] };
        let seen = Seen { variable: Some(variable), ..complete() };
        check(&seen, &["VK_DRIVER_FILES names /opt/nvidia_icd.json, which is not there"]);
    }

    #[test]
    fn no_driver_at_all() {
        let bare = Seen { drivers: Vec::new(), ..complete() };
        check(&bare, &["/usr/share/vulkan/icd.d", "mesa-vulkan-drivers"]);
        let variable = |absent| Some(DriverVariable { name: "VK_DRIVER_FILES", absent });
        check(&Seen { variable: variable(Vec::new()), ..bare.clone() }, &["VK_DRIVER_FILES names no Vulkan driver"]);
        let gone = variable(vec!["/gone.json".to_owned()]);
        check(&Seen { variable: gone, ..bare }, &["VK_DRIVER_FILES names /gone.json, which is not there"]);
    }

    #[test]
    fn a_driver_whose_library_is_not_there() {
        let gone = driver("/etc/vulkan/icd.d/nvidia_icd.json", "libGLX_nvidia.so.0", false);
        let card = vec![device("/dev/nvidia0", true)];
        let seen = Seen { drivers: vec![gone], device_files: card, nvidia_module: true, ..complete() };
        check(&seen, &["nvidia_icd.json names the library libGLX_nvidia.so.0", "libnvidia-gl-NUMBER"]);
        let in_container = Seen { container: true, ..seen };
        check(&in_container, &["libGLX_nvidia.so.0", "NVIDIA_DRIVER_CAPABILITIES=all"]);
        let no_library = DriverFile { path: "/etc/vulkan/icd.d/x.json".to_owned(), library: None, present: false };
        let mut seen = complete();
        seen.drivers.push(no_library);
        check(&seen, &["x.json names no library"]);
    }

    #[test]
    fn an_nvidia_card_with_only_a_software_driver() {
        let seen = Seen {
            loader: true,
            drivers: vec![lavapipe()],
            device_files: vec![device("/dev/nvidia0", true)],
            nvidia_module: true,
            ..Seen::default()
        };
        check(&seen, &["nvidia_icd.json", "nvidia-vulkan-icd", "VK_DRIVER_FILES"]);
        check(&Seen { container: true, ..seen.clone() }, &["nvidia_icd.json", "NVIDIA_DRIVER_CAPABILITIES"]);
        let variable = DriverVariable { name: "VK_ICD_FILENAMES", absent: Vec::new() };
        check(&Seen { variable: Some(variable), ..seen }, &["as VK_ICD_FILENAMES names others"]);
    }

    #[test]
    fn device_files_that_are_not_there_or_closed() {
        let closed = Seen { device_files: vec![device("/dev/dri/renderD128", false)], ..complete() };
        check(&closed, &["/dev/dri/renderD128 may not be opened", "`render`"]);
        // One that opens is enough: laptops hide the other.
        let one = vec![device("/dev/dri/renderD128", false), device("/dev/dri/renderD129", true)];
        assert_eq!(Seen { device_files: one, ..complete() }.missing(), Vec::<String>::new());
        let none = Seen { device_files: Vec::new(), drivers: vec![lavapipe()], ..complete() };
        check(&none, &["no device file of a GPU", "no kernel driver"]);
        check(&Seen { container: true, ..none.clone() }, &["was not given it"]);
        let nvidia = driver("/etc/vulkan/icd.d/nvidia_icd.json", "libGLX_nvidia.so.0", true);
        check(
            &Seen { nvidia_module: true, drivers: vec![nvidia], ..none },
            &["/dev/nvidia0 is not here", "--gpus all"],
        );
    }

    #[test]
    fn a_bare_machine_lacks_everything_in_order() {
        let found = Seen::default().missing();
        assert_eq!(found.len(), 3);
        for (at, word) in ["libvulkan1", "mesa-vulkan-drivers", "no device file"].into_iter().enumerate() {
            assert!(found[at].contains(word), "{word} in {found:?}");
        }
    }
}
