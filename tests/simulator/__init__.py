"""Tests of the simulated GitHub, over real HTTP and with real git."""
