"""Floor 1, the brain: headers of two trees in, a report out. Knows no network, no queue, no GitHub."""
