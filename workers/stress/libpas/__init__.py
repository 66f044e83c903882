"""libpas under stress: built with a driver of ours, alone, from any tree that has it."""
