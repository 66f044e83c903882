"""Preview builds: a head built for aarch64 by a driver, inspected, and released."""
