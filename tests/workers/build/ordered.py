"""Orders and workshops for the tests of what builds."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.preview import PreviewSettings
from workers.build.driver import Workshop
from workers.build.order import Order

BASE, HEAD = "b" * 40, "a" * 40


def ordered(clone_url: str = "https://github.com/o/r.git", head: str = HEAD, **settings: Any) -> Order:
    """An order for pull request 7 with these settings of previews."""
    return Order(
        installation_id=1,
        repository="o/r",
        number=7,
        ref="main",
        base=BASE,
        head=head,
        clone_url=clone_url,
        settings=PreviewSettings.model_validate(settings),
    )


def in_workshop(directory: Path, require: Callable[[], None] = lambda: None, seconds: float = 60.0) -> Workshop:
    """A workshop in a fresh folder, whose log is in memory."""
    directory.mkdir()
    return Workshop(directory, io.BytesIO(), require, seconds)


def said(workshop: Workshop) -> str:
    """What a workshop's log has."""
    assert isinstance(workshop.log, io.BytesIO)
    return workshop.log.getvalue().decode()
