"""`pagewarden stress`: libpas of a revision, or a JavaScript binary, under kernels with each page size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.options import ALL_PAGE_SIZES, Bundled, PageSizes, fail, need_git, page_sizes_in

if TYPE_CHECKING:
    from workers.stress.campaign import Campaign
    from workers.stress.lineup import Place
    from workers.stress.result import Conclusion, Result

MOST_SEEDS = 1000

Say = Callable[[str], None]


class Machine(StrEnum):
    """Where subjects are run."""

    VM = "vm"
    USER = "user"
    NATIVE = "native"


class Printed(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


def stress(
    libpas: Annotated[
        Path | None, typer.Option(help="A git repository of WebKit: its libpas is built and stressed.", metavar="REPO")
    ] = None,
    rev: Annotated[str, typer.Option(help="The revision of it, or WORKTREE.", metavar="REV")] = "HEAD",
    base: Annotated[
        str | None, typer.Option(help="What else to run, so that new failures are told from old.", metavar="REV")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help="A JavaScript binary for arm64: a file, npm:NAME@VERSION or debian:PACKAGE.", metavar="SUBJECT"
        ),
    ] = None,
    page_sizes: PageSizes = ALL_PAGE_SIZES,
    seeds: Annotated[str, typer.Option(help="Seeds, such as 1,2 or 1-10.", metavar="LIST")] = "1",
    phases: Annotated[str | None, typer.Option(help="These phases only.", metavar="LIST")] = None,
    machine: Annotated[
        Machine, typer.Option(help="Kernels in QEMU, QEMU's user mode (4K only), or this arm64 host itself.")
    ] = Machine.VM,
    profile: Bundled = "libpas",
    out: Annotated[
        Path | None, typer.Option(help="Keep the evidence in this directory: streams, logs, cores.", metavar="DIR")
    ] = None,
    format_: Annotated[Printed, typer.Option("--format", help="How to print it.")] = Printed.TEXT,
) -> None:
    """Run libpas, or an engine, under each page size.

    It allocates, shrinks and frees until a hidden limit gives, beside controls that must fail.

    Exit status 0: all passed. 1: something failed. 2: an error. 3: inconclusive, or void as a control survived.
    """
    from workers.sandbox import SandboxError, require_sandbox
    from workers.stress.processes import MachineError
    from workers.stress.subjects import SubjectError

    if (libpas is None) == (subject is None):
        fail("say either --libpas REPO or --subject SUBJECT")
    sizes, wanted = page_sizes_in(page_sizes), _seeds_in(seeds)
    only = tuple(name.strip() for name in phases.split(",") if name.strip()) if phases is not None else None
    if only == ():
        fail("--phases: say at least one")
    try:
        require_sandbox()
        _require_machines(machine, sizes)
        with _told() as say:
            if libpas is not None:
                need_git()
                campaign = _of_libpas(libpas, rev, base, profile, sizes, wanted, only, say)
            else:
                campaign = _of_binary(subject or "", wanted, only, say)
            _require_phases(campaign, only)
            result = _run(campaign, machine, sizes, say)
    except (SandboxError, MachineError, SubjectError) as error:
        fail(str(error))
    if out is not None:
        _keep(result, out)
    _print(result, format_)
    raise SystemExit(_exit_status(result.conclusion, result))


def _seeds_in(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            fail(f"--seeds: {part.strip()!r} is no seed; say some such as 1,2 or 1-10")
        found += range(int(first), int(last if dash else first) + 1)
        if len(found) > MOST_SEEDS:
            fail(f"--seeds: at most {MOST_SEEDS}")
    return tuple(dict.fromkeys(found)) or fail("--seeds: say at least one")


def _require_phases(campaign: Campaign, wanted: Sequence[str] | None) -> None:
    """Ends the command where a phase is asked for that nobody knows."""
    known = [phase.name for phase in campaign.entrants[0].subject.phases]
    if unknown := [name for name in wanted or () if name not in known]:
        fail(f"--phases: {unknown[0]!r} is no phase; there are {', '.join(known)}")


def _require_machines(machine: Machine, sizes: Sequence[int]) -> None:
    """Ends the command before an hour of building where the machines cannot be had."""
    from workers.stress.machines import machine_for

    for size in sizes:
        machine_for(machine, size)


def _of_libpas(
    repo: Path,
    rev: str,
    base: str | None,
    profile: str,
    sizes: tuple[int, ...],
    seeds: tuple[int, ...],
    only: tuple[str, ...] | None,
    say: Say,
) -> Campaign:
    from checker.profile import ProfileError, load_profile
    from workers.git import GitError, local_tree
    from workers.stress.libpas.build import Build
    from workers.stress.libpas.campaign import LibpasFiles, Wanted, libpas_campaign, revision_of

    files = LibpasFiles()
    try:
        loaded = load_profile(profile)
        head = revision_of(local_tree(repo, rev, files), rev)
        known = revision_of(local_tree(repo, base, files), base) if base is not None else None
    except (ProfileError, GitError) as error:
        fail(str(error))

    def built(done: int, of: int, what: str) -> None:
        say(f"building {what}: {done} of {of} files")

    return libpas_campaign(Wanted(head, known, sizes, seeds, only), loaded, Build(), built)


def _of_binary(spec: str, seeds: Sequence[int], only: Sequence[str] | None, say: Say) -> Campaign:
    from workers.stress.javascript.campaign import javascript_campaign

    return javascript_campaign(spec, seeds=tuple(seeds), phases=only, say=say)


def _run(campaign: Campaign, machine: Machine, asked: Sequence[int], say: Say) -> Result:
    from workers.stress.campaign import merged, run_on
    from workers.stress.machines import machine_for
    from workers.stress.processes import MachineError, page_name
    from workers.stress.result import Trouble

    parts, troubles = [], []
    for size in campaign.page_sizes(asked):

        def heard(place: Place | None, size: int = size) -> None:
            if place is not None:
                subject = place.entrant.subject.name
                say(f"{page_name(size)}: {place.index} of {place.total}, {subject}, {place.phase}, seed {place.seed}")

        try:
            parts.append(run_on(machine_for(machine, size), campaign, asked, heard))
        except MachineError as error:
            troubles.append(Trouble(str(error), size))
    return merged(machine, asked, parts, troubles)


def _keep(result: Result, out: Path) -> None:
    """`DIR/<record>/stdout.txt` and so on for what did not pass, and the whole answer as `DIR/stress.json`."""
    from workers.stress.document import to_json
    from workers.stress.evidence import evidence_files, evidence_of

    out.mkdir(parents=True, exist_ok=True)
    (out / "stress.json").write_text(json.dumps(to_json(result), indent=2) + "\n")
    for anchor, evidence in evidence_of(result).items():
        (out / anchor).mkdir(exist_ok=True)
        for name, content in evidence_files(evidence).items():
            (out / anchor / name).write_bytes(content)


def _print(result: Result, format_: Printed) -> None:
    from workers.report.stress_text import lines
    from workers.stress.document import to_json

    match format_:
        case Printed.JSON:
            typer.echo(json.dumps(to_json(result), indent=2))
        case Printed.TEXT:
            for line in lines(result):
                typer.echo(line)


def _exit_status(conclusion: Conclusion, result: Result) -> int:
    """A failure that the base has too is one all the same: whoever runs this asks for the tree, not for the change."""
    from workers.stress.result import Conclusion
    from workers.stress.verdicts import Role, Verdict

    status = {Conclusion.PASS: 0, Conclusion.FAIL: 1, Conclusion.ERROR: 2}.get(conclusion, 3)
    failed = any(record.verdict is Verdict.FAIL for record in result.of(Role.HEAD))
    return 1 if failed and status == 0 else status


@contextmanager
def _told() -> Iterator[Say]:
    """Says what is going on, on standard error: a line that changes on a terminal, else a line each."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with console.status("preparing …") as status:
            yield lambda text: status.update(f"{text} …")
        return
    last = ""

    def line(text: str) -> None:
        nonlocal last
        # Counting files tells nothing new in a log.
        subject = text.partition(":")[0] if text.startswith("building") else text
        if subject != last:
            console.print(f"{text} …", markup=False, soft_wrap=True)
            last = subject

    yield line
