"""Pages to look at: what a person would see on GitHub."""
