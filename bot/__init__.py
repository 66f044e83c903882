"""Floor 3, the ears and the face: webhook, events and the command line."""
