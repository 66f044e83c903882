"""Commands that build, in the real sandbox."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from inline_snapshot import snapshot

from config.repository import read_settings
from tests.workers.build.ordered import BASE, HEAD, in_workshop, ordered, said
from tests.workers.sandbox.marked import marked, new_mark
from workers.build import command
from workers.build.artifacts import collect
from workers.build.checkout import check_out
from workers.build.command import CommandMaker, failure, shown
from workers.build.driver import BuildError, State, Workshop
from workers.git import ObjectCache
from workers.sandbox import Finished
from workers.scenario import Scenario

PROGRAM = b"""
void* bmalloc_allocate(unsigned long size, int mode);
void bmalloc_deallocate(void*);
int puts(const char*);
int main(void) {
    for (int size = 1; size < 1000; ++size) {
        char* object = bmalloc_allocate(size, 0);
        object[size - 1] = 1;
        bmalloc_deallocate(object);
    }
    puts("allocated");
}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout as it comes: our own, and not to be written by others."""
    (tmp_path / "source").mkdir(mode=0o700)
    (tmp_path / "source/Makefile").write_text("out/jsc:\n\tmkdir out\n\techo built > out/jsc\n")
    (tmp_path / "source/Makefile").chmod(0o600)
    return tmp_path / "source"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return in_workshop(tmp_path / "workshop")


def make(source: Path, workshop: Workshop, *run: str, **settings: Any) -> Path:
    order = ordered(command={"run": run, "output": "out", **settings})
    return CommandMaker().make(order, source, workshop)


def refused(source: Path, workshop: Workshop, *run: str, **settings: Any) -> BuildError:
    with pytest.raises(BuildError) as caught:
        make(source, workshop, *run, **settings)
    return caught.value


def test_commands_run_one_after_another_in_the_checkout(source: Path, workshop: Workshop) -> None:
    output = make(source, workshop, "make", "pwd; cat out/jsc; echo complaint >&2")
    assert output == source / "out"
    assert (output / "jsc").read_text() == "built\n"
    assert said(workshop) == snapshot("""\
$ make
mkdir out
echo built > out/jsc
$ pwd; cat out/jsc; echo complaint >&2
/build
built
complaint
""")


def test_commands_may_give_the_checkout_other_modes_and_times(source: Path, workshop: Workshop) -> None:
    make(source, workshop, "chmod 755 Makefile; touch -d @0 Makefile; mkdir out; cp -p Makefile out")
    assert (source / "Makefile").stat().st_mode & 0o777 == 0o755
    assert (source / "out/Makefile").stat().st_mtime == 0


def test_commands_are_told_what_they_build(source: Path, workshop: Workshop) -> None:
    make(
        source,
        workshop,
        "mkdir out; env | sort > out/env",
        environment={"CC": "aarch64-linux-gnu-gcc", "PAGEWARDEN_HEAD": "another", "HOME": "/build"},
    )
    assert (source / "out/env").read_text().splitlines() == [
        "CC=aarch64-linux-gnu-gcc",
        "HOME=/build",
        "LANG=C.UTF-8",
        f"PAGEWARDEN_BASE={BASE}",
        f"PAGEWARDEN_HEAD={HEAD}",
        "PAGEWARDEN_PULL_REQUEST=7",
        "PAGEWARDEN_TARGET=linux-arm64",
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PWD=/build",
    ]


def test_nothing_of_the_host_is_there(
    source: Path, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGEWARDEN_WEBHOOK_SECRET", "secret-of-ours")
    (tmp_path / "beside").write_text("beside the checkout")
    make(
        source,
        workshop,
        f"mkdir out; env > out/env; ls .. {tmp_path} /root /home > out/ls 2>&1 || true",
        "ip -brief link > out/network 2>&1 || cat /proc/net/dev > out/network",
    )
    assert "secret-of-ours" not in (source / "out/env").read_text()
    assert "beside" not in (source / "out/ls").read_text()
    assert "eth0" not in (source / "out/network").read_text()


def test_the_first_command_that_fails_ends_the_build(source: Path, workshop: Workshop) -> None:
    error = refused(source, workshop, "make", "echo error: no such header; exit 2", "echo never")
    assert (error.state, str(error)) == (State.FAILED, "`echo error: no such header; exit 2` ended with status 2")
    assert error.log.endswith("error: no such header")
    assert "never" not in said(workshop)


def test_a_step_that_fails_in_a_command_of_several_ends_it(source: Path, workshop: Workshop) -> None:
    error = refused(source, workshop, "false\ntouch went-on")
    assert str(error) == "`false...` ended with status 1"
    assert not (source / "went-on").exists()


def test_a_variable_that_is_not_set_is_a_failure(source: Path, workshop: Workshop) -> None:
    assert refused(source, workshop, 'rm -rf "$TYPO/out"').state is State.FAILED


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("kill -SEGV $$", "`kill -SEGV $$` was ended by SIGSEGV"),
        ("no-such-compiler", "`no-such-compiler` ended with status 127"),
    ],
)
def test_how_a_command_ended_is_told(source: Path, workshop: Workshop, line: str, reason: str) -> None:
    assert str(refused(source, workshop, line)) == reason


def test_the_time_is_for_all_commands_together(source: Path, tmp_path: Path) -> None:
    workshop = in_workshop(tmp_path / "workshop", seconds=1.0)
    mark = new_mark()
    error = refused(source, workshop, "echo first", "echo second; sleep 60", "echo third", environment=mark)
    assert error.state is State.TIMED_OUT
    assert error.log.endswith("second")
    assert marked(mark) == []


def test_who_stops_the_build_is_heard_and_nothing_is_left(source: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    mark = new_mark()

    def stop() -> None:
        if marked(mark):
            raise Stop

    workshop = in_workshop(tmp_path / "workshop", stop)
    # It closes its output and goes on, so that its end isn't seen by that.
    with pytest.raises(Stop):
        make(source, workshop, "sleep 60 & exec >&- 2>&-; sleep 60", environment=mark)
    assert marked(mark) == []


def test_what_a_command_leaves_running_ends_with_it(source: Path, workshop: Workshop) -> None:
    mark = new_mark()
    make(source, workshop, "mkdir out; touch out/file; setsid sleep 60 >/dev/null 2>&1 & true", environment=mark)
    assert marked(mark) == []


def test_who_never_stops_talking_is_stopped_all_the_same(source: Path, tmp_path: Path) -> None:
    looks = 0

    class Stop(Exception):
        pass

    def stop() -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise Stop

    with pytest.raises(Stop):
        make(source, in_workshop(tmp_path / "workshop", stop), "yes")


def test_memory_is_bounded(source: Path, workshop: Workshop) -> None:
    order = ordered(command={"run": ["head -c 300M /dev/zero | tail"], "output": "out"})
    with pytest.raises(BuildError, match="took more than 64 MiB of memory") as caught:
        CommandMaker(memory=64 << 20).make(order, source, workshop)
    assert caught.value.state is State.FAILED


def test_the_disk_is_watched(source: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, folder: Path) -> None:
            assert folder == source

        def require(self) -> None:
            raise BuildError("the machine that builds runs out of disk")

    monkeypatch.setattr(command, "Room", Full)
    assert refused(source, workshop, "sleep 60").state is None


def test_an_output_folder_that_is_missing_is_named(source: Path, workshop: Workshop) -> None:
    error = refused(source, workshop, "true")
    assert (error.state, str(error)) == (
        State.FAILED,
        "the build made no folder 'out', which output in the settings names",
    )


def test_an_output_folder_that_leads_elsewhere_is_refused(source: Path, workshop: Workshop) -> None:
    assert "symbolic link" in str(refused(source, workshop, "ln -s /etc out"))


def test_a_machine_without_a_sandbox_says_so(source: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    error = refused(source, workshop, "true")
    assert (error.state, "bubblewrap" in str(error)) == (None, True)


def test_failures_that_take_long_to_make_are_told_in_words() -> None:
    said_too_much = Finished(None, 9, b"", b"", "output")
    assert failure("make", said_too_much, 1) == "`make` was stopped: it said too much"
    assert failure("make", Finished(None, 64, b"", b""), 1).startswith("`make` was ended by ")
    assert failure("make", Finished(0, None, b"", b""), 1) == ""
    assert shown("x" * 100) == "x" * 80 + "..."


def test_libpas_is_cross_built_as_the_settings_say(whole_libpas: Scenario, tmp_path: Path) -> None:
    settings = read_settings((Path(__file__).parents[3] / "bot/demo_preview.yml").read_text()).settings
    assert settings is not None
    remote = whole_libpas.path.as_uri()
    order = ordered(remote, whole_libpas.shas["D"], **settings.preview.model_dump(exclude_defaults=True))
    source = tmp_path / "source"
    source.mkdir()
    cache = ObjectCache(tmp_path / "cache", protocols=("file",))
    check_out(cache, remote, None, order.head, order.settings.paths, source, lambda: None)
    assert [path.name for path in source.iterdir()] == ["Source"]
    collect(CommandMaker().make(order, source, in_workshop(tmp_path / "w", seconds=600.0)), tmp_path / "out", "preview")
    (library,) = (tmp_path / "out").iterdir()
    with library.open("rb") as file:
        elf = ELFFile(file)
        assert (library.name, elf["e_machine"], elf["e_type"]) == ("libpas.so", "EM_AARCH64", "ET_DYN")
        assert {segment["p_align"] for segment in elf.iter_segments("PT_LOAD")} == {65536}
    program = tmp_path / "program"
    subprocess.run(["aarch64-linux-gnu-gcc", "-o", program, "-xc", "-", "-xnone", library], input=PROGRAM, check=True)
    emulated = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_LIBRARY_PATH={library.parent}"]
    ran = subprocess.run([*emulated, program], capture_output=True, check=True)
    assert ran.stdout == b"allocated\n"
