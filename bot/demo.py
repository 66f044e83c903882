"""The demo: the reference pull request from webhook to verdict, on this machine, with nothing configured.

GitHub is the simulator; everything else is what runs in production, started the same way.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot import demo_preview, demo_stress
from bot.demo_preview import PreviewVerdict
from bot.demo_stage import PUSHES, UNRELATED, DemoError, Stage, Verdict, opened_stage
from bot.demo_stress import StressVerdict
from bot.demo_watch import say
from config.repository import PATH
from workers.report.words import plural
from workers.scenario import Scenario, ScenarioError, make_scenario, told_on
from workers.stress.libpas.reference import SELECTION

LIBPAS_SOURCES = SELECTION
"""What the repository needs beside the headers where libpas is built."""
_LOG_LINES = 40


@dataclass(frozen=True)
class Extras:
    """What is played beside the checks. `stress`: B and D are run under real kernels; `preview`: they are built for
    aarch64 and released."""

    stress: bool = False
    preview: bool = False


@dataclass(frozen=True)
class Played:
    """What GitHub showed."""

    verdicts: Sequence[Verdict]
    previews: Sequence[PreviewVerdict]
    stresses: Sequence[StressVerdict]
    complaints: Sequence[str]
    seconds: float


def run_demo(
    *,
    once: bool,
    keep: Path | None = None,
    source: Path | None = None,
    extras: Extras = Extras(),
    console: Console | None = None,
) -> int:
    """Play the reference pull request and show the verdicts; then stay up until interrupted, unless `once`.

    Files go to `keep`, which stays, or to a temporary directory. The headers are those of the WebKit tree `source`, or
    Debian's. The exit status: 0 when the verdicts are the expected ones, 1 when not, 2 when the demo could not run,
    130 when interrupted before its end.
    """
    console = console or Console()
    signals = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(each, signal.default_int_handler) for each in signals]
    try:
        with _workplace(keep) as directory:
            return _run(directory, source, once, extras, console)
    except KeyboardInterrupt:
        console.print("interrupted")
        return 130
    finally:
        for each, handler in zip(signals, previous, strict=True):
            signal.signal(each, handler)


def _run(directory: Path, source: Path | None, once: bool, extras: Extras, console: Console) -> int:
    log = directory / "pagewarden.log"
    try:
        scenario, settings = _prepared(directory, source, extras, console)
        with opened_stage(scenario, directory, log, console, settings) as stage:
            played = _play(stage, extras)
            _show(console, played, stage)
            for complaint in played.complaints:
                console.print(Text(complaint, style="red"), soft_wrap=True)
            if played.complaints:
                _show_log(console, log)
            if not once:
                say(console, "All of it stays up; Ctrl-C ends it.")
                _wait_for_interrupt()
                say(console, "\nending it …")
            return 1 if played.complaints else 0
    except ScenarioError as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        return 2
    except demo_stress.CannotStress as error:
        console.print(Text(f"cannot stress here: {error}", style="red"), soft_wrap=True)
        return 2
    except demo_preview.CannotPreview as error:
        console.print(Text(f"cannot build previews here: {error}", style="red"), soft_wrap=True)
        return 2
    except DemoError as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        _show_log(console, log)
        return 2


def _prepared(
    directory: Path, source: Path | None, extras: Extras, console: Console
) -> tuple[Scenario, Mapping[str, str]]:
    """The repository, and settings of pagewarden. Raises what `_run` tells of."""
    with told_on(console) as tell:
        if extras.preview:
            demo_preview.prepare()
        settings = demo_stress.prepare(tell) if extras.stress else {"STRESS": "false"}
        more = LIBPAS_SOURCES if extras.stress or extras.preview else None
        scenario = make_scenario(directory / "WebKit", source=source, tell=tell, more=more)
        if extras.preview:
            demo_preview.rule(scenario)
    say(console, f"made the scenario: real headers, and commits {', '.join(push.commit for push in PUSHES)}")
    if extras.preview:
        say(console, f"its settings, {PATH}: commands build previews of libpas")
    return scenario, settings


def _play(stage: Stage, extras: Extras) -> Played:
    started = time.monotonic()
    verdicts, previews, stresses = [], [], []
    for push in PUSHES:
        verdicts.append(stage.push(push))
        if extras.preview:
            previews.append(stage.previewed(push))
        if extras.stress and push.commit in demo_stress.EXPECTED:
            stresses.append(stage.stressed(push))
    verdicts.append(stage.unrelated(UNRELATED))
    unanswered = stage.ask()
    complaints = [
        *unanswered,
        *_complaints(verdicts, "not the verdict that it must get, or not its suggestions"),
        *(f"{preview.commit}: {fault}" for preview in previews for fault in preview.faults),
        *_complaints(stresses, "not what its stress must show"),
        *stage.complaints(),
        *(stage.preview_faults() if previews and not any(preview.faults for preview in previews) else []),
    ]
    return Played(verdicts, previews, stresses, complaints, time.monotonic() - started)


def _complaints(verdicts: Sequence[Verdict | StressVerdict], what: str) -> list[str]:
    return [f"{verdict.commit}: {what}" for verdict in verdicts if not verdict.expected]


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="pagewarden-demo-") as directory:
            yield Path(directory)
    else:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()


def _show(console: Console, played: Played, stage: Stage) -> None:
    """One line for each push, of one piece also where it is longer than the console is wide."""
    say(console, "What GitHub shows:")
    commits, titles = ([len(each) for each in column] for column in zip(*map(_names, played.verdicts), strict=True))
    for verdict in played.verdicts:
        commit, title = _names(verdict)
        colour = "green" if verdict.conclusion == "success" else "red"
        line = Text.assemble(
            f"{commit:{max(commits)}}  ", (verdict.conclusion, colour), f"  {title:{max(titles)}}   {_answers(verdict)}"
        )
        console.print(line, soft_wrap=True)
    for preview in played.previews:
        say(console, f"{preview.commit} as a preview: {preview.conclusion}, {preview.title}")
    for stress in played.stresses:
        say(console, f"{stress.commit} under stress: {stress.conclusion}, {stress.title}, after {stress.seconds:.0f} s")
    if rows := stage.preview_table():
        say(console, "Preview Builds:")
        width = max(len(row.release) for row in rows)
        for row in rows:
            say(console, f"   {row.commit}  {row.release:{width}}  {row.date}")
    for preview in played.previews[-1:]:
        if preview.address:
            say(console, f"The release of {preview.commit}: {preview.address}")
    say(console, f"{played.seconds:.0f} seconds from the first push to the last answer.")
    say(console, f"The pull request: {stage.address}")


def _names(verdict: Verdict) -> tuple[str, str]:
    return verdict.push.commit, verdict.title


def _answers(verdict: Verdict) -> str:
    """How much was told, and when."""
    told = f"{plural(len(verdict.introduced), 'finding')} after {verdict.seconds:.1f} s"
    if not verdict.introduced:
        return told
    return f"{told}, {plural(len(verdict.suggested), 'suggestion')} after {verdict.study_seconds:.1f} s"


def _show_log(console: Console, log: Path) -> None:
    if log.exists():
        with log.open(errors="replace") as lines:
            tail = deque(lines, _LOG_LINES)
        say(console, f"the last lines of {log.name}:\n{''.join(tail)}")
