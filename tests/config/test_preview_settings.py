"""What a repository may say about preview builds, and what a mistake there says and where."""

from __future__ import annotations

import pytest

from config.preview import ActionsSettings, CommandSettings, DockerSettings, PreviewSettings
from config.repository import RepositorySettings, read_settings

ACTIONS = "actions: {workflow: preview.yml}"


def problems(text: str) -> list[tuple[int, int, str]]:
    read = read_settings(text)
    assert read.settings is None
    return [(each.line, each.column, each.message) for each in read.problems]


def preview(text: str) -> PreviewSettings:
    read = read_settings(text)
    assert (read.problems, read.settings is None) == ((), False)
    assert read.settings is not None
    return read.settings.preview


@pytest.mark.parametrize("text", ["", "preview: {}", "preview: {keep: 3}"])
def test_nothing_is_built_unless_something_is_named_that_builds(text: str) -> None:
    assert preview(text).driver is None


def test_every_setting_of_a_workflow_can_be_written() -> None:
    text = """
preview:
  actions:
    workflow: pagewarden-preview.yml
    artifacts: [preview-linux-arm64, symbols]
  target: linux-arm64
  binary: bin/bun
  minutes: 350
  release: false
  keep: 1
  remove_after_days: 0
  base_release: autobuild-{sha}
"""
    assert preview(text) == PreviewSettings(
        actions=ActionsSettings(workflow="pagewarden-preview.yml", artifacts=("preview-linux-arm64", "symbols")),
        target="linux-arm64",
        binary="bin/bun",
        minutes=350,
        release=False,
        keep=1,
        remove_after_days=0,
        base_release="autobuild-{sha}",
    )
    assert preview(text).driver == "actions"


def test_every_setting_of_docker_can_be_written() -> None:
    text = """
preview:
  docker:
    dockerfile: docker/Dockerfile.arm64
    context: src/
    target: dist
    build_args: {LDFLAGS: "-Wl,-z,max-page-size=65536", EMPTY: ""}
    output: out/lib
    paths: [src, docker]
    network: true
"""
    assert preview(text) == PreviewSettings(
        docker=DockerSettings(
            dockerfile="docker/Dockerfile.arm64",
            context="src",
            target="dist",
            build_args={"LDFLAGS": "-Wl,-z,max-page-size=65536", "EMPTY": ""},
            output="out/lib",
            paths=("src", "docker"),
            network=True,
        )
    )
    assert preview(text).driver == "docker"


def test_docker_builds_the_whole_repository_when_nothing_else_is_said() -> None:
    assert preview("preview: {docker: {}}").docker == DockerSettings(dockerfile="Dockerfile", context=".", output=".")


def test_every_setting_of_commands_can_be_written() -> None:
    text = """
preview:
  command:
    run: [./configure --host=aarch64-linux-gnu, make -j2]
    output: out
    paths: [Source/bmalloc]
    environment: {CC: aarch64-linux-gnu-gcc}
"""
    assert preview(text) == PreviewSettings(
        command=CommandSettings(
            run=("./configure --host=aarch64-linux-gnu", "make -j2"),
            output="out",
            paths=("Source/bmalloc",),
            environment={"CC": "aarch64-linux-gnu-gcc"},
        )
    )
    assert preview(text).driver == "command"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{actions: {}}", (1, 11, "workflow is missing here; it has no default")),
        ("{command: {run: [make]}}", (1, 11, "output is missing here; it has no default")),
        ("{command: {run: [], output: a}}", (1, 26, "expected at least one command")),
        (f"{{{ACTIONS}, command: {{run: [make], output: a}}}}", (1, 10, "actions and command cannot both build")),
        ("{docker: {}, actions: {workflow: a.yml}}", (1, 10, "actions and docker cannot both build")),
        ("{workflow: preview.yml}", (1, 11, "unknown setting 'workflow' here; it belongs under preview.actions")),
        (f"{{{ACTIONS[:-1]}, artefacts: []}}}}", (1, 44, "unknown setting 'artefacts'; did you mean artifacts?")),
        ("{docker: {xyz: a}}", (1, 20, "unknown setting 'xyz'; there are: dockerfile, context, target, ")),
        (
            "{actions: {workflow: a.yml, run: [make]}}",
            (1, 38, "unknown setting 'run' here; it belongs under preview.c"),
        ),
        ("{minutes: 351}", (1, 20, "expected at most 350, not the number 351")),
        ("{minutes: 0}", (1, 20, "expected at least 1, not the number 0")),
        ("{keep: 0}", (1, 17, "expected at least 1, not the number 0")),
        ("{remove_after_days: -1}", (1, 30, "expected at least 0, not the number -1")),
        ("{release: yes}", (1, 20, "expected true or false, not 'yes'")),
        ("{base_release: autobuild}", (1, 25, "expected a tag with {sha} in it")),
        ("{base_release: 'a b {sha}'}", (1, 25, "expected a tag with {sha} in it")),
        ("{base_release: '{sha}{number}'}", (1, 25, "expected a tag with {sha} in it")),
        ("{binary: /usr/bin/bun}", (1, 19, "expected a path inside, without a leading / and without ..")),
        ("{binary: ../bun}", (1, 19, "expected a path inside, without a leading / and without ..")),
        ("{binary: ''}", (1, 19, "expected a path inside, without a leading / and without ..")),
        ("{docker: {build_args: {A=B: c}}}", (1, 33, "expected a name: letters, digits and _")),
        ("{docker: {target: --push me}}", (1, 28, "expected the name of a stage: letters, digits, -, _ and .")),
        ("{target: A}", (1, 19, "expected a name: lower-case letters, digits, - and _, 64 at most")),
        ("{command: {run: [' '], output: a}}", (1, 27, "expected a command for the shell")),
        ('{command: {run: ["\\0"], output: a}}', (1, 27, "expected a command for the shell")),
        ("{command: {run: make, output: a}}", (1, 26, "expected a list, not 'make'; put it in [brackets]")),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(text: str, found: tuple[int, int, str]) -> None:
    ((line, column, message),) = problems(f"preview: {text}")
    assert ((line, column), message[: len(found[2])]) == (found[:2], found[2])


@pytest.mark.parametrize(
    "workflow", ["preview", "../preview.yml", ".github/workflows/preview.yml", "a b.yml", "preview.yml?x", "a/b.yml"]
)
def test_a_workflow_is_a_file_of_its_directory(workflow: str) -> None:
    ((_, _, message),) = problems(f"preview: {{actions: {{workflow: '{workflow}'}}}}")
    assert message == "expected the name of a file in .github/workflows, such as preview.yml"
    assert preview("preview: {actions: {workflow: a.B_c-1.yaml}}").driver == "actions"


def test_settings_survive_the_way_to_json_and_back() -> None:
    written = RepositorySettings(preview=PreviewSettings(docker=DockerSettings(build_args={"A": "b"}), keep=9))
    assert RepositorySettings.model_validate_json(written.model_dump_json()) == written
