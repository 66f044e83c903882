"""What was built of the base beside what was built of the head."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.workers.build.previewing import Previewing
from tests.workers.build.test_preview import ENGINE, settings
from tests.workers.gitrepos import git
from tests.workers.house import REPOSITORY

LARGER = {"engine.c": "const char more[100000] = {1};\nint main(void) { return more[0]; }\n"}


@pytest.fixture(scope="module")
def old_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base's binary, as somebody else built it."""
    folder = tmp_path_factory.mktemp("old")
    (folder / "engine.c").write_text(ENGINE["engine.c"])
    command = ["aarch64-linux-gnu-gcc", "-Wl,-z,max-page-size=65536", "-o", "engine", "engine.c"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "engine"


def test_the_preview_of_the_base_is_compared_with(previewing: Previewing) -> None:
    previewing.rule(settings(), ENGINE)
    base = previewing.open({"Source/page.h": "#define PAGE 32768\n"})
    previewing.look_again()
    previewing.simulator.push(REPOSITORY, "main", base)
    previewing.settle()
    git(previewing.house.source, "branch", "--force", "main", base)
    first = previewing.house.number
    previewing.simulator.close_pull(REPOSITORY, first)
    previewing.settle()
    head = previewing.open({"Source/page.h": "#define PAGE 65536\n", **LARGER})
    previewing.look_again()
    assert previewing.house.number != first
    made = previewing.build().made
    assert made is not None
    assert made.base_tag == f"autobuild-preview-pr-{first}-{base[:8]}"
    (old,), (new,) = made.base, made.inspection.binaries
    assert new.text - old.text > 100_000
    told = previewing.told(head)
    assert f"{new.text - old.text:,}" in told
    comment = previewing.house.comments()[-1]
    assert f"{new.text - old.text:,}" in comment


def test_a_release_that_the_settings_name_is_compared_with(previewing: Previewing, old_engine: Path) -> None:
    base = previewing.rule(settings("base_release: autobuild-{sha}"), ENGINE)
    previewing.simulator.create_release(
        REPOSITORY, f"autobuild-{base}", base, author="wendy", assets={"engine": old_engine, "notes.txt": b"read me"}
    )
    head = previewing.open({"Source/page.h": "#define PAGE 65536\n", **LARGER})
    previewing.look_again()
    assert previewing.conclusion(head) == "success"
    assert f"autobuild-{base}" in previewing.told(head)


def test_a_release_of_the_base_that_cannot_be_read_harms_nothing(previewing: Previewing) -> None:
    base = previewing.rule(settings("base_release: autobuild-{sha}"), ENGINE)
    previewing.simulator.create_release(
        REPOSITORY, f"autobuild-{base}", base, author="wendy", assets={"engine.zip": b"PK\x03\x04 no zip"}
    )
    head = previewing.open({"Source/page.h": "#define PAGE 65536\n"})
    previewing.look_again()
    assert previewing.conclusion(head) == "success"
    assert f"autobuild-{base}" not in previewing.told(head)
