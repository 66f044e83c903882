"""The parts of GitHub's OpenAPI descriptions that the simulator holds itself and its callers to."""
