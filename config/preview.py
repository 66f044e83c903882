"""The settings of preview builds: how a repository wants its changes built for aarch64."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from config.model import Strict, each_once

DEFAULT_TARGET = "linux-arm64"
LONGEST_BUILD_MINUTES = 350
"""GitHub ends a job after 360."""


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not path or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise ValueError("expected a path inside, without a leading / and without ..")
    return path.rstrip("/")


def _workflow(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}\.ya?ml", name):
        raise ValueError("expected the name of a file in .github/workflows, such as preview.yml")
    return name


def _template(text: str) -> str:
    if "{sha}" not in text or not re.fullmatch(r"[A-Za-z0-9_./{}-]+", text) or text.count("{") != text.count("{sha}"):
        raise ValueError("expected a tag with {sha} in it for the base's full commit id, such as autobuild-{sha}")
    return text


def _argument(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", name):
        raise ValueError("expected a name: letters, digits and _")
    return name


def _stage(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,100}", name):
        raise ValueError("expected the name of a stage: letters, digits, -, _ and .")
    return name


def _target(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise ValueError("expected a name: lower-case letters, digits, - and _, 64 at most")
    return name


def _some(commands: tuple[str, ...]) -> tuple[str, ...]:
    if not commands:
        raise ValueError("expected at least one command")
    return commands


def _line(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("expected a command for the shell")
    return text


InsidePath = Annotated[str, Field(max_length=300), AfterValidator(_inside)]
Workflow = Annotated[str, AfterValidator(_workflow)]
TagTemplate = Annotated[str, Field(max_length=150), AfterValidator(_template)]
VariableName = Annotated[str, AfterValidator(_argument)]
Stage = Annotated[str, AfterValidator(_stage), Field(json_schema_extra={"pattern": r"^[A-Za-z0-9_.-]{0,100}$"})]
Target = Annotated[str, AfterValidator(_target), Field(json_schema_extra={"pattern": r"^[a-z0-9][a-z0-9_-]{0,63}$"})]
Value = Annotated[str, Field(max_length=1000)]
CommandLine = Annotated[str, Field(max_length=4000), AfterValidator(_line)]
Paths = Annotated[tuple[InsidePath, ...], AfterValidator(each_once), Field(json_schema_extra={"uniqueItems": True})]


class ActionsSettings(Strict):
    """A workflow of this repository builds."""

    workflow: Workflow = Field(description="Its file in .github/workflows, such as preview.yml; it is dispatched.")
    artifacts: Annotated[tuple[str, ...], AfterValidator(each_once)] = Field(
        default=(), max_length=20, description="Names of the artifacts that are the build; all when empty."
    )


class DockerSettings(Strict):
    """`docker buildx build` builds, where whoever runs pagewarden offers that."""

    dockerfile: InsidePath = Field(default="Dockerfile", description="Its path in the repository.")
    context: InsidePath = Field(default=".", description="The folder of the repository that is sent to the builder.")
    target: Stage = Field(default="", description="The stage whose files are the build; the last one when left out.")
    build_args: dict[VariableName, Value] = Field(default={}, max_length=50, description="Build arguments.")
    output: InsidePath = Field(default=".", description="The folder of that stage that holds what was built.")
    paths: Paths = Field(default=(), max_length=50, description="Folders and files to check out; all when empty.")
    network: bool = Field(default=False, description="Whether steps of the build may use the network.")


class CommandSettings(Strict):
    """Commands build, in a sandbox without network, with the cross compilers of the machine."""

    run: Annotated[tuple[CommandLine, ...], AfterValidator(_some)] = Field(
        max_length=50,
        json_schema_extra={"minItems": 1},
        description="Commands for the shell, one after another, in the checked-out repository; the first to fail ends "
        "the build.",
    )
    output: InsidePath = Field(description="The folder that then holds what was built.")
    paths: Paths = Field(default=(), max_length=50, description="Folders and files to check out; all when empty.")
    environment: dict[VariableName, Value] = Field(default={}, max_length=50, description="Environment variables.")


class PreviewSettings(Strict):
    """Whether and how preview builds are made. Exactly one of actions, docker and command makes them; none, none."""

    actions: ActionsSettings | None = Field(default=None, description="A workflow of this repository builds.")
    docker: DockerSettings | None = Field(default=None, description="docker buildx builds.")
    command: CommandSettings | None = Field(default=None, description="Commands in a sandbox build.")
    target: Target = Field(default=DEFAULT_TARGET, description="What is built for, as the build is told.")
    binary: InsidePath | None = Field(
        default=None,
        description="Where in what was built the JavaScript engine lies that is put under stress, such as bin/bun; "
        "none is when left out.",
    )
    minutes: int = Field(
        default=90, ge=1, le=LONGEST_BUILD_MINUTES, description="After so many minutes a build is given up."
    )
    release: bool = Field(default=True, description="Whether what was built becomes a prerelease.")
    keep: int = Field(default=5, ge=1, le=100, description="Of a pull request, the last so many commits keep theirs.")
    remove_after_days: int = Field(
        default=7, ge=0, le=365, description="So many days after a pull request closed its prereleases are removed."
    )
    base_release: TagTemplate | None = Field(
        default=None,
        description="The tag of a release of the base commit to compare sizes with, such as autobuild-{sha}.",
    )

    @property
    def driver(self) -> str | None:
        """The name of what builds, `None` where nothing is built."""
        return next((name for name in ("actions", "docker", "command") if getattr(self, name) is not None), None)

    @property
    def paths(self) -> tuple[str, ...]:
        """What is checked out for a build on pagewarden's own host; all where it is empty."""
        local = self.command or self.docker
        return local.paths if local is not None else ()

    @model_validator(mode="after")
    def _one_driver(self) -> PreviewSettings:
        named = [name for name in ("actions", "docker", "command") if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} cannot both build; leave one of them out")
        return self
