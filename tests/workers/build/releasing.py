"""A pull request whose head is to be released, for the tests of releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.preview import PreviewSettings
from tests.workers.house import GOOD, REPOSITORY, House
from workers.build.manifest import LOG, MANIFEST, REPORT
from workers.build.order import Order
from workers.build.releases import publish
from workers.github import Client, ReleaseInfo
from workers.report.preview_marker import release_marker

BOT = "pagewarden[bot]"
SETTINGS = PreviewSettings.model_validate({"command": {"run": ["make"], "output": "out"}})
FILES: Mapping[str, bytes] = {
    MANIFEST: b'{"schema": 1}\n',
    "bun-linux-aarch64.zip": b"PK" + bytes(range(256)) * 500,
    "libpas.a": b"!<arch>\n",
    REPORT: b"[]\n",
    LOG: b"$ make\n",
}


@dataclass
class Releasing:
    """What a job does about the release of one head, step by step."""

    house: House
    folder: Path
    order: Order

    @contextmanager
    def client(self) -> Iterator[Client]:
        """As a job has it."""
        with self.house.tools.github.client(self.house.installation_id) as client:
            yield client

    def files(self, contents: Mapping[str, bytes] = FILES) -> dict[str, Path]:
        """Files on disk, by the names of the assets."""
        paths = {}
        for name, content in contents.items():
            paths[name] = self.folder / hashlib.sha256(content).hexdigest()
            paths[name].write_bytes(content)
        return paths

    def body(self, words: str = "A preview.") -> str:
        """Of the release."""
        return f"{words}\n\n{release_marker(REPOSITORY, self.order.number, self.order.head)}"

    def publish(self, contents: Mapping[str, bytes] = FILES, **more: Any) -> ReleaseInfo:
        """Publishes it as a job of its own would."""
        values = {"name": "Preview", "body": self.body(), **more}
        with self.client() as client:
            return publish(client, self.order, BOT, self.files(contents), **values)

    def push(self, number: int) -> Releasing:
        """The next head of the same pull request."""
        sha = self.house.push({"Source/page.h": f"#define PAGE {number}\n"})
        return Releasing(self.house, self.folder, order_of(self.house, sha))

    def releases(self) -> list[dict[str, Any]]:
        """All releases and drafts, as GitHub tells."""
        return list(self.house.simulator.releases(REPOSITORY))

    def tags(self) -> dict[str, str]:
        """All tags, as GitHub has them."""
        return dict(self.house.simulator.tags(REPOSITORY))

    def writes(self) -> list[tuple[str, str]]:
        """Method and last part of the path of each write about releases, oldest first."""
        calls = [call for call in self.house.simulator.calls if call.method != "GET"]
        return [(call.method, call.path.rpartition("/")[2]) for call in calls if "access_tokens" not in call.path]


def releasing(house: House, folder: Path) -> Releasing:
    """A pull request, just opened."""
    sha = house.open(GOOD)
    folder.mkdir()
    return Releasing(house, folder, order_of(house, sha))


def order_of(house: House, sha: str) -> Order:
    """To build a head of the pull request."""
    clone_url = f"{house.simulator.url}/{REPOSITORY}.git"
    return Order(house.installation_id, REPOSITORY, house.number, "main", "b" * 40, sha, clone_url, settings=SETTINGS)
