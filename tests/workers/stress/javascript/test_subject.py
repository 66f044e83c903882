from __future__ import annotations

from pathlib import Path

import pytest

from workers.stress.javascript.closure import Closure
from workers.stress.javascript.subject import SCRIPT, JavaScriptSubject, Kind, make_subject
from workers.stress.processes import Ended
from workers.stress.verdicts import Verdict


def subject(directory: Path, name: str = "bun", content: str = "engine", scale: float = 1.0) -> JavaScriptSubject:
    directory.mkdir(exist_ok=True)
    binary, library, loader = directory / name, directory / "libc.so.6.1", directory / "ld.so"
    for file in (binary, library, loader):
        file.write_text(f"{content} {file.name}")
    libraries = {"libc.so.6": library, "ld-linux-aarch64.so.1": loader}
    closure = Closure(binary, "ld-linux-aarch64.so.1", libraries)
    return make_subject(f"{name} 1.0", Kind.of(binary), closure, scale)


@pytest.mark.parametrize(
    ("name", "kind"), [("bun", Kind.BUN), ("bun-profile", Kind.BUN), ("jsc", Kind.JSC), ("node", Kind.SCRIPT)]
)
def test_the_kind_is_told_by_the_name(name: str, kind: Kind) -> None:
    assert Kind.of(Path("/x") / name) is kind


def test_every_file_lies_below_the_subjects_own_directory(tmp_path: Path) -> None:
    made = subject(tmp_path)
    at = made.directory
    assert at.startswith("bun-1.0-")
    assert made.files == {
        f"{at}/stress.js": SCRIPT,
        f"{at}/bin/bun": tmp_path / "bun",
        f"{at}/lib/libc.so.6": tmp_path / "libc.so.6.1",
        f"{at}/lib/ld-linux-aarch64.so.1": tmp_path / "ld.so",
    }


def test_only_subjects_of_equal_files_share_a_directory(tmp_path: Path) -> None:
    first = subject(tmp_path / "a")
    assert subject(tmp_path / "b", scale=2.0).directory == first.directory
    assert subject(tmp_path / "c", content="another").directory != first.directory


def test_bun_is_run_by_the_loader_that_was_found(tmp_path: Path) -> None:
    made = subject(tmp_path)
    process = made.process("functions", 7, "p1")
    at = f"/subject/{made.directory}"
    loader = (f"{at}/lib/ld-linux-aarch64.so.1", "--library-path", f"{at}/lib")
    assert process.argv == (*loader, f"{at}/bin/bun", f"{at}/stress.js", "functions", "7", "1")
    assert dict(process.environment)["BUN_JSC_thresholdForFTLOptimizeAfterWarmUp"] == "200"
    assert (process.id, process.seconds) == ("p1", 180.0)


def test_jsc_gets_its_words_after_two_dashes_and_options_of_its_own(tmp_path: Path) -> None:
    process = subject(tmp_path, "jsc").process("threads", 1, "p1")
    assert process.argv[-5:-1] == (process.argv[-5], "--", "threads", "1")
    assert dict(process.environment)["JSC_thresholdForJITAfterWarmUp"] == "10"


def test_of_an_engine_nobody_knows_no_option_is_set(tmp_path: Path) -> None:
    process = subject(tmp_path, "engine").process("threads", 1, "p1")
    assert [name for name, _value in process.environment if "JSC_" in name] == []


def test_more_work_gets_more_time_unless_it_is_said(tmp_path: Path) -> None:
    assert subject(tmp_path, scale=3.0).process("threads", 1, "p1").seconds == 540
    assert subject(tmp_path, scale=0.2).process("threads", 1, "p1").seconds == 180
    assert subject(tmp_path, scale=3.0).process("threads", 1, "p1", 20).seconds == 20


def test_equal_subjects_are_one_key(tmp_path: Path) -> None:
    assert len({subject(tmp_path / "a"), subject(tmp_path / "a"), subject(tmp_path / "b")}) == 2


@pytest.mark.parametrize(("name", "verdict"), [("jsc", Verdict.ERROR), ("engine", Verdict.UNAVAILABLE)])
def test_an_engine_known_to_have_threads_cannot_excuse_itself(tmp_path: Path, name: str, verdict: Verdict) -> None:
    stdout = "phase threads seed 1\nunavailable threads: none here\nend threads ok\n"
    assert subject(tmp_path, name).read("threads", 1, Ended("p", 0, stdout=stdout)).verdict is verdict
