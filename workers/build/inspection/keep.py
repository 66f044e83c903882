"""Writes what is in artifacts below a directory. Runs in a sandbox: everything it reads is hostile."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from workers.build.inspection.bounds import Bounds, Budget, DamagedError, EscapesError, ExceededError, reading
from workers.build.inspection.contents import Kind, Member, members, placed
from workers.build.inspection.forms import ARCHIVES, Form
from workers.build.inspection.paths import Layout
from workers.build.inspection.streams import form_ahead
from workers.build.result import Fault

_SUFFIX = re.compile(r"(?<=.)\.(zip|deb|tgz|tbz2?|txz|(tar\.)?(gz|bz2|xz)|tar)$")
_CHUNK = 1 << 20
_COUNTED = {Fault.TOO_LARGE: "bytes", Fault.TOO_MANY: "files"}


class RefusedError(Exception):
    """An artifact that is not unpacked. The text names it, and says why."""


def keep(artifacts: Sequence[Path], into: Path, bounds: Bounds) -> None:
    """Unpacks the artifacts below `into`, an empty directory: see `workers.build.inspection.inspect.unpack`.

    Raises `RefusedError`, and `OSError` where the machine is at fault.
    """
    budget = Budget(bounds)
    forms = {file.name: _form(file) for file in artifacts}
    for file in artifacts:
        try:
            budget.file()
            with reading():
                _keep(file, forms, into, budget)
        except DamagedError as error:
            raise RefusedError(f"{file.name}: {error}") from error
        except EscapesError as error:
            raise RefusedError(f"{file.name}: {error} leads out of it") from error
        except ExceededError as error:
            raise RefusedError(f"{file.name}: {error} {_COUNTED[error.fault]}") from error


def _form(file: Path) -> Form | None:
    with file.open("rb") as stream:
        return form_ahead(stream)


def _keep(file: Path, forms: Mapping[str, Form | None], into: Path, budget: Budget) -> None:
    form = forms[file.name]
    with file.open("rb") as stream:
        if form in ARCHIVES:
            tree = _Tree(into / folder_of(file.name, forms), form)
            for member in members(stream, form, file.name, budget, into):
                tree.add(member)
            tree.close()
        else:
            _write(stream, into / file.name, executable=bool(file.stat().st_mode & 0o111))


def folder_of(name: str, forms: Mapping[str, Form | None]) -> str:
    """The folder for what is in the archive `name`, one of the artifacts `forms`: "" where it is the only one, else its
    name without what tells its form, unless another has that."""
    if len(forms) == 1:
        return ""
    taken = [_SUFFIX.sub("", each) if form in ARCHIVES else each for each, form in forms.items()]
    stem = _SUFFIX.sub("", name)
    return stem if taken.count(stem) == 1 else name


class _Tree:
    """One archive's members as files. Links are made last, so that nothing is ever written through one."""

    def __init__(self, root: Path, form: Form) -> None:
        self._root = root
        self._layout = Layout(zipped=form is Form.ZIP, rooted=form is Form.DEBIAN)
        root.mkdir(exist_ok=True)

    def add(self, member: Member) -> None:
        """Raises `EscapesError` for a member that leads out, `OSError` for one in another's way."""
        place, other = placed(self._layout, member)
        path = self._root / place
        if member.kind is Kind.DIRECTORY:
            path.mkdir(parents=True, exist_ok=True)
        elif member.kind is not Kind.LINK:
            path.parent.mkdir(parents=True, exist_ok=True)
            if member.kind is Kind.FILE:
                _write(member.content, path, executable=member.executable)
            elif place != other:
                path.unlink(missing_ok=True)
                path.hardlink_to(self._root / other)

    def close(self) -> None:
        """Makes the links."""
        for place, target in self._layout.links():
            path = self._root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)


def _write(stream: io.BufferedReader, path: Path, *, executable: bool) -> None:
    """Programs may be executed, whatever their archive says: GitHub's artifacts forget it."""
    program = form_ahead(stream) is Form.ELF
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(stream, file, _CHUNK)
    path.chmod(0o755 if executable or program else 0o644)
