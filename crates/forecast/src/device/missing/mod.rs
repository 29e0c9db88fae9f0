//! Says what a machine lacks where no GPU was found: the loader of Vulkan, a driver's file, a device's file, or the right to open it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "linux", test))]
mod seen;

/// Lists what is missing, each with the package or the variable that brings it. Reads a few files; opens no driver.
#[cfg(target_os = "linux")]
pub(super) fn missing() -> Vec<String> {
    linux::look().missing()
}

/// Says what is known of drivers of other systems, where nothing is looked up.
#[cfg(not(target_os = "linux"))]
pub(super) fn missing() -> Vec<String> {
    let known = if cfg!(windows) {
        "on Windows, DirectX 12 and Vulkan (vulkan-1.dll) come with the driver of the card's maker"
    } else if cfg!(target_os = "macos") {
        "on macOS, Metal is part of the system, and Vulkan needs MoltenVK"
    } else {
        "the Vulkan loader and a driver of the card's maker are needed"
    };
    vec![known.to_owned()]
}
