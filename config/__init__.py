"""Floor 0: settings, profiles and JSON schemas."""
