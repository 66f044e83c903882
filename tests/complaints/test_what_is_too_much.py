"""Complaints about much at a time: of findings none may vanish, and of mistakes in the settings neither."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.heard import AUTHOR, Heard, hearing
from tests.workers.house import BAD, REPOSITORY

SETTINGS, PROFILE = ".github/pagewarden.yml", ".github/many.yml"
MOST = 120
HEADER = "Many/many.h"


@pytest.fixture
def unadvised(tmp_path: Path, redis_url: str) -> Iterator[Heard]:
    """Like `heard`, but nobody looks for repairs of what is broken."""
    with Simulator(tmp_path / "github") as simulator:
        with hearing(tmp_path, simulator, redis_url, advice=False) as built:
            yield built
        assert simulator.violations == []


def profile() -> str:
    """Of `MOST` constants, each with a limit of its own."""
    names = [f"P{number:03}" for number in range(MOST)]
    constants = "".join(f"  - {{name: {name}, macro: true}}\n" for name in names)
    limits = "".join(f"  {name}: {name}\n" for name in names)
    rules = "".join(
        f"""\
  - id: {name.lower()}-covers-os-page
    title: {name} covers an OS page
    scope: tree
    value: {name}
    limit: os_page
    expression: value >= limit
    must: ">= {{limit}}"
    decided_by: [{name}]
    why: It crashes.
    relied_on_in: {HEADER}
    advice: Make it larger.
"""
        for name in names
    )
    return f"""\
schema: 1
name: many
title: Many limits
watch: ["Many/*.h"]
headers: ["Many/*.h"]
include: ["Many"]
targets:
  linux-arm64:
    title: Linux on 64-bit Arm
    triple: aarch64-linux-gnu
    page_sizes: [4096, 16384, 65536]
sections:
  - name: many
    include: ["many.h"]
constants:
{constants}limits:
{limits}rules:
{rules}"""


def header(broken: int) -> str:
    """A constant a line, of which the first ones are too small."""
    return "".join(f"#define P{number:03} {4096 if number < broken else 65536}\n" for number in range(MOST))


@pytest.mark.parametrize("broken", [0, 1, 50, 51, MOST])
def test_findings_over_fifty_vanish(unadvised: Heard, broken: int) -> None:
    house = unadvised.house
    unadvised.land({SETTINGS: f"profiles: [{PROFILE}]\n", PROFILE: profile(), HEADER: header(0)})
    sha = unadvised.open({HEADER: header(broken) + "/* looked at */\n"})
    assert house.conclusions(sha) == ["failure" if broken else "success"]
    assert house.annotated(sha) == [(HEADER, line) for line in range(1, broken + 1)]
    comments = house.comments()
    assert len(comments) == (1 if broken else 0)
    assert all(len(comment) < 65_536 and f"{broken} limit" in comment for comment in comments)
    unadvised.say(AUTHOR, "/recheck")
    assert house.conclusions(sha) == ["failure" if broken else "success"] * 2
    assert house.annotated(sha) == [(HEADER, line) for line in range(1, broken + 1)]


def test_mistakes_in_the_settings_over_fifty_vanish(heard: Heard) -> None:
    sha = heard.open({SETTINGS: "".join(f"unknown{number}: 1\n" for number in range(90))})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [(SETTINGS, line) for line in range(1, 51)]
    assert "90 problems" in heard.house.told(sha)
    assert "more problem" in heard.house.told(sha)


def test_a_mistake_in_the_settings_that_was_merged_rules_unnoticed(heard: Heard) -> None:
    valid = "rules:\n  page-covers-os-page:\n    severity: warning\n    reason: We know.\n"
    heard.land({SETTINGS: valid})
    sha = heard.open({SETTINGS: "page_size: [4K]\n", **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.annotated(sha) == [(SETTINGS, 1), ("Source/page.h", 1)]
    assert "did you mean page_sizes?" in heard.house.told(sha)
    landed = heard.land({SETTINGS: "page_size: [4K]\n"})
    assert heard.house.conclusions(landed) == ["failure"]
    assert heard.house.annotated(landed) == [(SETTINGS, 1)]
    later = heard.push({SETTINGS: "page_size: [4K]\n", "Source/page.h": "#define PAGE 2048\n"}, start="main")
    assert heard.house.conclusions(later) == ["success"]
    assert "The last valid settings keep ruling" in heard.house.told(later)
    assert "The last valid settings keep ruling" in heard.house.comments()[0]
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == []
