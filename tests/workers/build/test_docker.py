"""Builds by docker, against a stand-in of its command line that plays buildx's output."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from config.preview import DockerSettings
from tests.workers.build.ordered import in_workshop, ordered, said
from tests.workers.sandbox.marked import within
from workers.build import docker, docker_cache, docker_log
from workers.build.docker import DockerMaker, Places, arguments, environment
from workers.build.driver import BuildError, State

HERE = Path(__file__).parent
TRANSCRIPTS = HERE / "docker_transcripts"


@dataclass(frozen=True)
class StandIn:
    """A stand-in in a folder of its own."""

    client: Path

    def play(self, transcript: str = "built.txt", **how: Any) -> None:
        """What it is to do from now on."""
        play = {"transcript": str(TRANSCRIPTS / transcript), **how}
        (self.client.parent / "play.json").write_text(json.dumps(play))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What it saw."""
        path = self.client.parent / "calls.jsonl"
        # A line may be half written.
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def builds(self) -> list[dict[str, Any]]:
        """How it was called to build."""
        return [call for call in self.calls if "build" in call.get("argv", ())]

    @property
    def running(self) -> list[int]:
        """The ids of those that run endlessly and are alive."""
        return [pid for pid in {call["running"] for call in self.calls if "running" in call} if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    folder = tmp_path / "docker"
    folder.mkdir()
    client = folder / "docker"
    shutil.copyfile(HERE / "docker_stand_in.py", client)
    client.chmod(0o755)
    made = StandIn(client)
    made.play(output={"libpas.so": "library"})
    yield made
    assert made.running == []


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source/docker").mkdir(parents=True)
    (tmp_path / "source/docker/Dockerfile.arm64").write_text("FROM scratch\n")
    (tmp_path / "source/Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "source"


class Clock:
    """Goes on by itself, so that no test waits."""

    def __init__(self, step: float = 0.01) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Stop(Exception):
    pass


def maker(stand_in: StandIn, **how: Any) -> DockerMaker:
    return DockerMaker(**{"cache": stand_in.client.parent / "cache", "client": str(stand_in.client), **how})


def make(
    stand_in: StandIn, source: Path, require: Callable[[], None] = lambda: None, how: Any = None, **settings: Any
) -> Path:
    workshop = in_workshop(source.parent / f"workshop-{len(list(source.parent.iterdir()))}", require)
    return maker(stand_in, **(how or {})).make(ordered(docker=settings), source, workshop)


def refused(stand_in: StandIn, source: Path, how: Any = None, **settings: Any) -> BuildError:
    with pytest.raises(BuildError) as caught:
        make(stand_in, source, how=how, **settings)
    return caught.value


def test_the_command_line() -> None:
    settings = DockerSettings(
        dockerfile="docker/Dockerfile.arm64",
        context="sources",
        target="preview",
        build_args={"JOBS": "2", "FLAGS": "-O2 --push --output=type=registry,name=evil"},
    )
    places = Places("../source", "output", "../../cache/layers", "../../ca,che/fresh")
    assert arguments(settings, places, "arm", "builder") == snapshot(
        [
            "--context=arm",
            "buildx",
            "build",
            "--platform=linux/arm64",
            "--progress=plain",
            "--provenance=false",
            "--sbom=false",
            "--builder=builder",
            "--target=preview",
            "--network=none",
            "--cache-from=type=local,src=../../cache/layers",
            '--cache-to=type=local,"dest=../../ca,che/fresh",mode=max',
            "--build-arg=JOBS=2",
            "--build-arg=FLAGS=-O2 --push --output=type=registry,name=evil",
            "--file=../source/docker/Dockerfile.arm64",
            "--output=type=local,dest=output",
            "../source/sources",
        ]
    )


def test_the_command_line_where_nothing_is_said() -> None:
    assert arguments(DockerSettings(network=True), Places("../source", "output"), None, None) == snapshot(
        [
            "buildx",
            "build",
            "--platform=linux/arm64",
            "--progress=plain",
            "--provenance=false",
            "--sbom=false",
            "--file=../source/Dockerfile",
            "--output=type=local,dest=output",
            "../source/.",
        ]
    )


def test_nothing_that_settings_say_is_an_option_of_its_own() -> None:
    hostile = "--push"
    settings = DockerSettings(
        dockerfile=hostile, context=hostile, output=hostile, target=hostile, build_args={"A": hostile}
    )
    words = arguments(settings, Places("s", "o"), None, None)
    assert hostile not in words
    assert words[-1] == "s/--push"


def test_what_docker_is_told_of_the_host() -> None:
    ours = {
        "HOME": "/home/warden",
        "PATH": "/usr/bin",
        "DOCKER_HOST": "ssh://builder",
        "BUILDX_BUILDER": "arm",
        "BUILDX_GIT_INFO": "1",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "GITHUB_TOKEN": "secret",
    }
    assert environment(ours) == snapshot(
        {
            "HOME": "/home/warden",
            "PATH": "/usr/bin",
            "DOCKER_HOST": "ssh://builder",
            "BUILDX_BUILDER": "arm",
            "BUILDX_GIT_INFO": "0",
            "BUILDX_GIT_LABELS": "0",
            "GIT_DIR": "/dev/null",
            "DOCKER_CLI_HINTS": "false",
        }
    )


def test_what_docker_built_is_handed_on_and_what_it_said_is_in_the_log(
    stand_in: StandIn, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGEWARDEN_WEBHOOK_SECRET", "secret-of-ours")
    stand_in.play(output={"out/libpas.so": "library"})
    workshop = in_workshop(source.parent / "workshop")
    order = ordered(docker={"output": "out", "dockerfile": "docker/Dockerfile.arm64"})
    output = maker(stand_in).make(order, source, workshop)
    assert {path.name: path.read_text() for path in output.iterdir()} == {"libpas.so": "library"}
    log = said(workshop)
    assert log.startswith("$ docker buildx build --platform=linux/arm64 ")
    assert log.endswith((TRANSCRIPTS / "built.txt").read_text())
    assert str(source.parent) not in log
    (call,) = stand_in.builds
    assert "secret-of-ours" not in call["env"].values()
    named = next(word for word in call["argv"] if word.startswith("--file="))
    assert (Path(call["cwd"]) / named.removeprefix("--file=")).resolve() == source / "docker/Dockerfile.arm64"


@pytest.mark.parametrize("output", [{"out": "-> /etc"}, {"elsewhere": "x"}, {"out": "a file"}])
def test_an_output_that_leads_elsewhere_or_is_none_is_refused(
    stand_in: StandIn, source: Path, output: dict[str, str]
) -> None:
    stand_in.play(output=output)
    assert refused(stand_in, source, output="out").state is State.FAILED


@pytest.mark.parametrize(("setting", "value"), [("dockerfile", "none"), ("context", "Dockerfile")])
def test_a_dockerfile_or_context_that_the_commit_lacks_is_named(
    stand_in: StandIn, source: Path, setting: str, value: str
) -> None:
    error = refused(stand_in, source, **{setting: value})
    assert (error.state, f"has no {value!r}" in str(error)) == (State.FAILED, True)
    assert stand_in.calls == []


@pytest.mark.parametrize("setting", ["dockerfile", "context"])
def test_a_link_out_of_the_commit_is_not_read(stand_in: StandIn, source: Path, setting: str) -> None:
    (source.parent / "secret").mkdir()
    (source / "link").symlink_to("../secret" if setting == "context" else "/etc/passwd")
    assert refused(stand_in, source, **{setting: "link"}).state is State.FAILED
    assert stand_in.calls == []


def test_a_client_that_fails_is_told_by_what_it_said(stand_in: StandIn, source: Path) -> None:
    stand_in.play("failed_step.txt", status=1)
    error = refused(stand_in, source)
    assert (error.state, str(error).split(" failed: ")[0]) == (State.FAILED, "docker: [build 2/3] RUN make -C /src")


def test_a_client_that_says_nothing_has_failed_all_the_same(stand_in: StandIn, source: Path) -> None:
    (source.parent / "silence").touch()
    stand_in.play(str(source.parent / "silence"), status=3)
    error = refused(stand_in, source)
    assert (error.state, str(error)) == (State.FAILED, "docker: ended with status 3")


def test_who_stops_the_build_interrupts_docker(stand_in: StandIn, source: Path) -> None:
    stand_in.play(is_endless=True)

    def stop() -> None:
        if stand_in.running:
            raise Stop

    with pytest.raises(Stop):
        make(stand_in, source, stop)
    assert {"signal": "SIGINT"} in stand_in.calls


def test_a_docker_that_does_not_listen_is_killed(stand_in: StandIn, source: Path) -> None:
    stand_in.play(is_endless=True, is_deaf=True)

    def stop() -> None:
        if stand_in.running:
            raise Stop

    with pytest.raises(Stop):
        make(stand_in, source, stop, how={"stop_seconds": 0.1})
    assert {"signal": "SIGINT"} not in stand_in.calls


def test_a_docker_that_never_stops_talking_is_stopped_and_the_end_is_kept(stand_in: StandIn, source: Path) -> None:
    stand_in.play(is_endless=True, flood=10_000)
    error = refused(stand_in, source, how={"clock": Clock(), "stop_seconds": 0.1})
    assert (error.state, str(error)) == (State.TIMED_OUT, "docker was stopped when the time was over")
    assert "#7 1.000 going on" in error.log


def test_time_runs_out_for_a_docker_that_says_nothing(stand_in: StandIn, source: Path) -> None:
    (source.parent / "silence").touch()
    stand_in.play(str(source.parent / "silence"), is_endless=True)
    assert refused(stand_in, source, how={"clock": Clock(step=20.0)}).state is State.TIMED_OUT


def test_the_disk_is_watched(stand_in: StandIn, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, folder: Path) -> None:
            pass

        def require(self) -> None:
            raise BuildError("the machine that builds runs out of disk")

    monkeypatch.setattr(docker, "Room", Full)
    stand_in.play(is_endless=True)
    assert "runs out of disk" in str(refused(stand_in, source))


def test_docker_ends_its_build_when_who_asked_for_it_dies(stand_in: StandIn, source: Path) -> None:
    stand_in.play(is_endless=True)
    script = f"""
        from pathlib import Path
        from tests.workers.build.ordered import in_workshop, ordered
        from workers.build.docker import DockerMaker
        maker = DockerMaker(Path({str(source.parent)!r}), client={str(stand_in.client)!r})
        maker.make(ordered(docker={{}}), Path({str(source)!r}), in_workshop(Path({str(source.parent / "workshop")!r})))
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=HERE.parents[2])
    assert within(60, lambda: bool(stand_in.running))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert within(20, lambda: {"signal": "SIGINT"} in stand_in.calls and not stand_in.running)


def test_layers_are_kept_for_the_next_build_by_the_same_builder(stand_in: StandIn, source: Path) -> None:
    how = {"builder": "arm", "context": "there"}
    for number in range(3):
        stand_in.play(output={"a": "b"}, layers=["index.json", f"blobs/{number}"])
        make(stand_in, source, how=how)
    options = [[word for word in call["argv"] if "cache" in word or "context" in word] for call in stand_in.builds]
    (folder,) = (stand_in.client.parent / "cache").iterdir()
    place = os.path.relpath(folder, source.parent / "workshop")
    assert [word.replace(place, "CACHE") for word in options[0]] == snapshot(
        ["--context=there", "--cache-to=type=local,dest=CACHE/fresh,mode=max"]
    )
    assert [word.replace(place, "CACHE") for word in options[1]] == snapshot(
        [
            "--context=there",
            "--cache-from=type=local,src=CACHE/layers",
            "--cache-to=type=local,dest=CACHE/fresh,mode=max",
        ]
    )
    # What the last build did not use is gone.
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        *("layers", "layers/blobs", "layers/blobs/2", "layers/index.json")
    ]


def test_layers_that_take_too_much_or_that_nobody_uses_are_removed(
    stand_in: StandIn, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = stand_in.client.parent / "cache"
    (cache / "long-ago").mkdir(parents=True)
    os.utime(cache / "long-ago", (0, 0))
    monkeypatch.setattr(docker_cache, "MOST_BYTES", 0)
    stand_in.play(output={"a": "b"}, layers=["index.json"])
    make(stand_in, source, how={"builder": "arm"})
    (folder,) = cache.iterdir()
    assert list(folder.iterdir()) == []


def test_docker_that_is_not_there_or_has_no_buildx_is_the_hosts_fault(stand_in: StandIn, source: Path) -> None:
    error = refused(stand_in, source, how={"client": "/nowhere/docker"})
    assert (error.state, str(error)) == (None, docker_log.NO_CLIENT)
    stand_in.play(version_status=1)
    error = refused(stand_in, source)
    assert (error.state, str(error)) == (None, docker_log.NO_BUILDX)
    assert stand_in.builds == []


needs_docker = pytest.mark.skipif(shutil.which("docker") is None, reason="docker's client is missing")


@needs_docker
def test_the_real_client_without_the_plugin_is_told_from_one_with_it(
    source: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(source.parent / "none"))
    if subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0:
        pytest.skip("buildx is installed for all users")
    error = refused(stand_in, source, how={"client": "docker"})
    assert (error.state, str(error)) == (None, docker_log.NO_BUILDX)


@needs_docker
@pytest.mark.parametrize("is_deaf", [False, True])
def test_the_real_client_builds_and_ends_with_a_plugin(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_deaf: bool
) -> None:
    """The client gives a plugin a process group of its own, and tells it in ways of its own that it is to end."""
    plugins = tmp_path / "config/cli-plugins"
    plugins.mkdir(parents=True)
    monkeypatch.setenv("DOCKER_CONFIG", str(plugins.parent))
    plugin = plugins / "docker-buildx"
    shutil.copyfile(HERE / "docker_stand_in.py", plugin)
    plugin.chmod(0o755)
    stand_in = StandIn(plugin)
    stand_in.play(output={"libpas.so": "library"})
    assert [path.name for path in make(stand_in, source, how={"client": "docker"}).iterdir()] == ["libpas.so"]
    stand_in.play(is_endless=True, is_deaf=is_deaf)

    def stop() -> None:
        if stand_in.running:
            raise Stop

    with pytest.raises(Stop):
        make(stand_in, source, stop, how={"client": "docker", "stop_seconds": 0.5})
    assert stand_in.running == []
