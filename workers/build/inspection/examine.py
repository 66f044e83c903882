"""Looks at artifacts, and at what is in them. Runs in a sandbox: everything it reads is hostile."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workers.build.inspection.ar import ar_members
from workers.build.inspection.bounds import Bounds, Budget, DamagedError, EscapesError, ExceededError, reading
from workers.build.inspection.contents import Kind, Member, as_file, members, placed
from workers.build.inspection.elf import Elf, Foreign, read_elf
from workers.build.inspection.forms import Form
from workers.build.inspection.paths import Layout
from workers.build.inspection.streams import form_ahead
from workers.build.result import LARGEST_PAGE, Binary, Fault, Inspection, Problem

LONGEST_PATH = 400
"""Characters of a path in an artifact; longer ones are cut."""
_LARGEST_SIZE = 1 << 62
_KINDS = ("executable", "library", "object")


@dataclass(frozen=True)
class _Place:
    """An artifact, or a file at `path` in it, below `depth` archives."""

    artifact: str
    path: str = ""
    depth: int = 0

    def below(self, name: str) -> _Place:
        """A member of the archive that lies here."""
        inner = name.removeprefix("./")
        return _Place(self.artifact, f"{self.path}/{inner}" if self.path else inner, self.depth + 1)

    @property
    def shown(self) -> str:
        path = printable(self.path)
        return f"{self.artifact}: {path}" if path else self.artifact


def examine(artifacts: Iterable[Path], scratch: Path, bounds: Bounds) -> Inspection:
    """Looks at each file; the inspection is without `artifacts`. `scratch` is a directory for what is unpacked.

    Raises `OSError` where the machine is at fault.
    """
    looked = _Examination(scratch, bounds)
    looked.all(artifacts)
    if not looked.binaries and all(problem.fault == Fault.MACHINE for problem in looked.problems):
        looked.problems.append(Problem(Fault.EMPTY, ""))
    binaries = sorted(looked.binaries, key=lambda each: (_KINDS.index(each.kind), each.artifact, each.path))
    listed = tuple(binaries[: bounds.most_binaries])
    return Inspection((), listed, tuple(looked.problems[: bounds.most_problems]), len(binaries) - len(listed))


def printable(text: str) -> str:
    """A stranger's path as plain text of bounded length."""
    shown = text.encode(errors="surrogateescape").decode(errors="replace")
    return "".join(each if each.isprintable() else "\ufffd" for each in shown[:LONGEST_PATH])


class _Examination:
    def __init__(self, scratch: Path, bounds: Bounds) -> None:
        self.binaries: list[Binary] = []
        self.problems: list[Problem] = []
        self._scratch = scratch
        self._depth = bounds.depth
        self._budget = Budget(bounds)

    def all(self, artifacts: Iterable[Path]) -> None:
        for file in artifacts:
            place = _Place(file.name)
            try:
                self._budget.file()
                with file.open("rb") as stream:
                    self._file(stream, place)
            except ExceededError as error:
                # What is left would be looked at beyond the bounds.
                self._problem(error.fault, place, str(error.limit))
                return

    def _problem(self, fault: Fault, place: _Place, found: str = "") -> None:
        self.problems.append(Problem(fault, place.shown, printable(found)))

    def _file(self, stream: io.BufferedReader, place: _Place) -> None:
        """Looks at one file; what is wrong with it becomes a problem."""
        try:
            with reading():
                form = form_ahead(stream)
                if form is Form.ELF:
                    self._elf(stream, place)
                elif form is Form.LIBRARY:
                    self._library(stream, place)
                elif form is not None and (form is not Form.UNREAD or not place.depth):
                    self._archive(stream, form, place)
        except DamagedError as error:
            self._problem(Fault.DAMAGED, place, str(error))

    def _elf(self, stream: io.BufferedReader, place: _Place) -> None:
        with as_file(stream, self._scratch) as file:
            found = read_elf(file)
            size = file.seek(0, io.SEEK_END)
        if isinstance(found, Foreign):
            self._problem(Fault.MACHINE, place, found.machine)
        elif found is not None:
            self._binary(found, size, place)

    def _binary(self, elf: Elf, size: int, place: _Place) -> None:
        sizes = (elf.text, elf.data, elf.bss, size)
        if max(sizes) > _LARGEST_SIZE:
            raise DamagedError("it says that it is larger than any memory")
        if elf.kind != "object" and elf.alignment < LARGEST_PAGE:
            self._problem(Fault.ALIGNMENT, place, str(elf.alignment))
        path = printable(place.path)
        self.binaries.append(Binary(place.artifact, path, elf.kind, elf.alignment, elf.build_id, *sizes))

    def _library(self, stream: io.BufferedReader, place: _Place) -> None:
        """A static library counts as one binary, with the sizes of all its objects together."""
        objects: list[Elf] = []
        layout = Layout()
        with as_file(stream, self._scratch) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            for name, content in ar_members(file, self._budget.kept):
                self._budget.file()
                member = Member(name, Kind.FILE, content=content)
                if self._takes(layout, member, place.below(name)) and form_ahead(content) is Form.ELF:
                    objects += self._object(content, place.below(name))
        if objects:
            text, data, bss = (sum(getattr(each, name) for each in objects) for name in ("text", "data", "bss"))
            self._binary(Elf("object", 0, "", text, data, bss), size, place)

    def _object(self, content: io.BufferedReader, place: _Place) -> list[Elf]:
        """A member of a static library, unless it is for another machine or damaged, which is a problem."""
        try:
            with reading(), as_file(content, self._scratch) as file:
                found = read_elf(file)
        except DamagedError as error:
            self._problem(Fault.DAMAGED, place, str(error))
            return []
        if isinstance(found, Foreign):
            self._problem(Fault.MACHINE, place, found.machine)
            return []
        return [found] if found is not None else []

    def _archive(self, stream: io.BufferedReader, form: Form, place: _Place) -> None:
        if place.depth == self._depth:
            raise DamagedError(f"archives in archives, more than {self._depth} deep")
        layout = Layout(zipped=form is Form.ZIP, rooted=form is Form.DEBIAN)
        for member in members(stream, form, place.path or place.artifact, self._budget, self._scratch):
            inner = place.below(member.name)
            if self._takes(layout, member, inner) and member.kind is Kind.FILE:
                self._file(member.content, inner)
        for link in layout.led_out():
            self._problem(Fault.ESCAPES, place.below(link), link)

    def _takes(self, layout: Layout, member: Member, place: _Place) -> bool:
        """Whether a member stays inside; a problem where it doesn't."""
        try:
            placed(layout, member)
        except EscapesError:
            self._problem(Fault.ESCAPES, place, member.name)
            return False
        return True
