"""npm itself, with a registry of ours."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workers.scenario.progress import Step, silent
from workers.stress.javascript.npm import npm_package, require_integrity
from workers.stress.subjects import SubjectError

NAME = "@engines/engine-aarch64"


class Registry:
    """One package in version 1.2.3. `integrity` is what the registry says of its tarball."""

    def __init__(self, tarball: bytes) -> None:
        self.offer(tarball)
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                content = registry.answer(self.path)
                self.send_response(200 if content is not None else 404)
                self.end_headers()
                self.wfile.write(content or b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  The name is the base's.
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def offer(self, tarball: bytes) -> None:
        self.tarball = tarball
        self.integrity = f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"

    def answer(self, path: str) -> bytes | None:
        if path.endswith(".tgz"):
            return self.tarball
        if "engine-aarch64" not in path:
            return None
        distribution = {"tarball": f"{self.url}engine-1.2.3.tgz", "integrity": self.integrity}
        version = {"name": NAME, "version": "1.2.3", "dist": distribution}
        return json.dumps({"name": NAME, "dist-tags": {"latest": "1.2.3"}, "versions": {"1.2.3": version}}).encode()


def tarball(*names: str) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for name in ("package/package.json", *names):
            content = json.dumps({"name": NAME, "version": "1.2.3"}).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return output.getvalue()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    if shutil.which("npm") is None:
        pytest.skip("npm is missing (Debian: apt-get install npm)")
    registry = Registry(tarball("package/bin/engine"))
    thread = threading.Thread(target=registry.server.serve_forever)
    thread.start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry.url)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    yield registry
    registry.server.shutdown()
    registry.server.server_close()
    thread.join()


def test_a_package_is_fetched_from_the_registry_that_npm_is_configured_with(registry: Registry, tmp_path: Path) -> None:
    steps: list[Step] = []
    package = npm_package(NAME, "1.2.3", tmp_path / "cache", steps.append)
    assert package.files == ("package/package.json", "package/bin/engine")
    assert (package.tree / "package/bin/engine").is_file()
    assert [step.text for step in steps] == [f"downloading {NAME} 1.2.3 from npm"]


def test_a_version_that_is_there_is_not_asked_for_again(registry: Registry, tmp_path: Path) -> None:
    first = npm_package(NAME, "1.2.3", tmp_path / "cache", silent)
    registry.asked.clear()
    assert npm_package(NAME, "1.2.3", tmp_path / "cache", silent) == first
    assert registry.asked == []


def test_a_tag_is_asked_for_each_time_and_becomes_a_version(registry: Registry, tmp_path: Path) -> None:
    assert npm_package(NAME, "latest", tmp_path / "cache", silent).version == "1.2.3"
    registry.asked.clear()
    assert npm_package(NAME, "latest", tmp_path / "cache", silent).version == "1.2.3"
    assert registry.asked != []


def test_a_tarball_with_another_hash_is_refused(registry: Registry, tmp_path: Path) -> None:
    registry.tarball = tarball("package/bin/evil")
    with pytest.raises(SubjectError, match=r"npm could not fetch (.|\n)*EINTEGRITY"):
        npm_package(NAME, "1.2.3", tmp_path / "cache", silent)
    assert list((tmp_path / "cache").glob("*/tree")) == []


def test_a_tarball_that_writes_elsewhere_leaves_nothing(registry: Registry, tmp_path: Path) -> None:
    registry.offer(tarball("package/../../../escaped"))
    with pytest.raises(SubjectError, match=r"no archive to be trusted|could not fetch"):
        npm_package(NAME, "1.2.3", tmp_path / "cache", silent)
    assert list(tmp_path.rglob("escaped")) == []


def test_what_the_registry_has_not_is_said_with_what_to_check(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(
        SubjectError, match=r"npm could not fetch @engines/nothing@1\.0\.0(.|\n)*npm config get registry"
    ):
        npm_package("@engines/nothing", "1.0.0", tmp_path / "cache", silent)


def test_our_own_look_at_the_hash(tmp_path: Path) -> None:
    file = tmp_path / "a.tgz"
    file.write_bytes(b"content")
    good = base64.b64encode(hashlib.sha512(b"content").digest()).decode()
    require_integrity(file, f"sha1-abc sha512-{good}", "a@1.0.0")
    with pytest.raises(SubjectError, match=r"a@1\.0\.0: the tarball has SHA-512"):
        require_integrity(file, good, "a@1.0.0")


@pytest.mark.parametrize(
    ("name", "version"),
    [("../evil", "1.0.0"), ("--registry=x", "1.0.0"), ("git+ssh://x/y", "1"), ("bun", "file:/etc"), ("bun", "-x")],
)
def test_only_names_and_versions_reach_npm(name: str, version: str, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="expected npm:NAME@VERSION"):
        npm_package(name, version, tmp_path, silent)


def test_without_npm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SubjectError, match=r"no npm, so bun cannot be fetched. Install it"):
        npm_package("bun", "1.0.0", tmp_path, silent)
