"""The demo's previews: libpas of each push really built for aarch64, in the sandbox, looked at and released."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from rich.console import Console

from bot.demo_watch import followed, say
from config.repository import PATH
from simulator.server import Simulator
from workers.build.manifest import LOG, MANIFEST, REPORT
from workers.build.order import SHORT_SHA, tag_of
from workers.build.result import LARGEST_PAGE
from workers.build.show import CHECK_NAME
from workers.sandbox import SandboxError, require_sandbox
from workers.scenario import Scenario, put_on_base

SETTINGS = Path(__file__).with_name("demo_preview.yml")

_LIBRARY = "libpas.so"
_NEEDED: Mapping[str, str] = {
    "bwrap": "bubblewrap",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
}
"""A command → the package of Debian that brings it."""
_SECONDS = 600.0
_LINES_OF_A_FAILURE = 10
_ROW = re.compile(r"^\| (.*?) \| (.*?) \| ([^|]*?) \|$", re.MULTILINE)
_SECTION = re.compile(r"^#+ Preview Builds$(.*?)(?=^#|^<details>|\Z)", re.MULTILINE | re.DOTALL)
"""How the comment tells of previews; see `workers.report.preview`."""


class CannotPreview(Exception):
    """This machine lacks something. The text says what, and what to do."""


@dataclass(frozen=True)
class PreviewVerdict:
    """What GitHub shows of the preview of one head. `address` is the release's page, "" where there is none; `faults`
    is what is not as it must be."""

    commit: str
    conclusion: str
    title: str
    address: str
    faults: tuple[str, ...]


class Row(NamedTuple):
    """One row of the comment's table, the newest first."""

    commit: str
    release: str
    date: str


def prepare() -> None:
    """Raises `CannotPreview` where this machine cannot build for aarch64."""
    missing = [package for command, package in _NEEDED.items() if shutil.which(command) is None]
    if missing:
        raise CannotPreview(f"Debian packages are missing: apt-get install {' '.join(missing)}")
    try:
        require_sandbox()
    except SandboxError as error:
        raise CannotPreview(str(error)) from error


def rule(scenario: Scenario) -> None:
    """Has the repository's settings say what builds. Raises `ScenarioError`."""
    put_on_base(scenario, {PATH: SETTINGS.read_bytes()}, "Have previews built\n")


def wait_for(
    github: Simulator,
    repository: str,
    number: int,
    commit: str,
    sha: str,
    console: Console,
    require_server: Callable[[], None],
) -> PreviewVerdict | None:
    """Follows the preview check of a head to its end, telling what it tells; `None` where it does not end in time."""

    def tell(title: str) -> None:
        say(console, f"   preview: {title}")

    check = followed(github, repository, sha, CHECK_NAME, tell=tell, seconds=_SECONDS, require_server=require_server)
    if check is None:
        return None
    tag, output = tag_of(number, sha), check["output"]
    release = next((each for each in github.releases(repository) if each["tag_name"] == tag), None)
    if check["conclusion"] != "success":
        faults = [f"no preview: {_end_of(output['text'] or output['summary'])}"]
    elif release is None:
        faults = [f"there is no release {tag}"]
    else:
        faults = list(_faults(github, repository, release, sha))
    address = release["html_url"] if release is not None else ""
    return PreviewVerdict(commit, check["conclusion"], output["title"], address, tuple(faults))


def _end_of(markdown: str) -> str:
    """What a check says at its end, which is that of the build's log where there is one."""
    lines = [line for line in markdown.splitlines() if line.strip() and not line.startswith("```")]
    return "\n".join(lines[-_LINES_OF_A_FAILURE:])


def _faults(github: Simulator, repository: str, release: Mapping[str, Any], sha: str) -> Iterator[str]:
    """What is wrong with a release. What was built is read anew, and not taken from what pagewarden says of it."""
    tag = release["tag_name"]
    assets = {asset["name"] for asset in release["assets"]}
    if not release["prerelease"] or release["draft"]:
        yield f"the release {tag} is no prerelease"
    if assets != {_LIBRARY, MANIFEST, REPORT, LOG}:
        yield f"the release {tag} has other files than it must have: {', '.join(sorted(assets))}"
        return
    if not is_for_large_pages(github.release_asset(repository, tag, _LIBRARY)):
        yield f"{_LIBRARY} of {tag} is not for aarch64 with 64K pages"
    manifest = json.loads(github.release_asset(repository, tag, MANIFEST))
    if manifest["head"] != sha or [each["verdict"] for each in manifest["verdicts"]] != ["fail"]:
        yield f"{MANIFEST} of {tag} does not tell the verdict on {sha}"


def is_for_large_pages(library: bytes) -> bool:
    """Whether a file is an ELF file for aarch64 that kernels with 64K pages can load."""
    try:
        elf = ELFFile(io.BytesIO(library))
        alignments = [segment["p_align"] for segment in elf.iter_segments("PT_LOAD")]
    except ELFError:
        return False
    return elf["e_machine"] == "EM_AARCH64" and bool(alignments) and min(alignments) >= LARGEST_PAGE


def table(comment: str) -> list[Row]:
    """The comment's table of previews as people read it, without its header."""
    section = _SECTION.search(comment)
    lines = _ROW.finditer(section[1]) if section is not None else []
    rows = [Row(*map(_read, line.groups())) for line in lines]
    return [row for row in rows if re.fullmatch(rf"[0-9a-f]{{{SHORT_SHA}}}", row.commit)]


def _read(cell: str) -> str:
    """A cell without its Markdown."""
    return re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cell).replace("`", "").strip()


def faults_of(rows: Sequence[Row], number: int, sha: str) -> list[str]:
    """What is wrong with the table of a pull request whose head `sha` was released."""
    wanted = (sha[:SHORT_SHA], tag_of(number, sha))
    newest = rows[0][:2] if rows else ()
    return [] if newest == wanted else [f"the comment's table of previews does not begin with {' | '.join(wanted)}"]
