"""Debian's packages by apt, without root and without touching the machine's own apt state.

apt runs with a configuration of ours on top of the system's: the machine's Debian sources as `deb-src` or `deb`, and
lists and archives in our cache. So proxies, mirrors and keys are the machine's, and apt verifies checksums.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workers.scenario.errors import GIVE_SOURCE, ScenarioError
from workers.scenario.progress import Step, Tell

SYSTEM_APT = Path("/etc/apt")

_DEBIAN_URI = re.compile(r"^[a-z+]+:/*([^/]*\.)?debian\.org(/|$)|(^|/)debian(-security)?(\.list)?/?$")
_ONE_LINE = re.compile(r"^deb(-src)?\s+(\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)$")
_KEPT_FIELDS = {"signed-by": "Signed-By", "check-valid-until": "Check-Valid-Until", "trusted": "Trusted"}
_POLL_SECONDS = 0.2


class Kind(StrEnum):
    """The two kinds of package, as apt's lists of sources call them."""

    SOURCE = "deb-src"
    BINARY = "deb"


@dataclass(frozen=True)
class Package:
    """One of Debian's packages; `otherwise` says what to do where it cannot be had from Debian."""

    name: str
    otherwise: str = ""
    kind: Kind = Kind.SOURCE

    def advise(self, text: str) -> str:
        """`text`, and what else can be done."""
        return f"{text} {self.otherwise}".rstrip()


WEBKIT = Package("webkit2gtk", GIVE_SOURCE)


@dataclass(frozen=True)
class SourceVersion:
    """One version of a package. `full` is Debian's ("2.50.6-1~deb12u2"), `upstream` the project's ("2.50.6")."""

    full: str

    @property
    def upstream(self) -> str:
        return self.full.split(":")[-1].rsplit("-", 1)[0]


class Apt:
    """apt with its state in `directory`, for one package.

    Raises `ScenarioError` when this machine cannot do that.
    """

    def __init__(self, directory: Path, tell: Tell, etc: Path = SYSTEM_APT, package: Package = WEBKIT) -> None:
        missing = [tool for tool in ("apt-get", "apt-cache", "dpkg") if shutil.which(tool) is None]
        if missing:
            raise ScenarioError(
                f"This machine has no {' and no '.join(missing)}, so {package.name} cannot be fetched from Debian.\n"
                + package.advise("Run this on Debian.")
            )
        stanzas = debian_stanzas(etc, package.kind)
        if not stanzas:
            raise ScenarioError(
                f"No Debian package source is configured in {etc} "
                f"(sources.list, sources.list.d/*.sources or *.list).\n"
                + package.advise(f"Add one of Debian's, with `Types: {package.kind}` or `{package.kind} …`.")
            )
        self._directory = directory
        self._tell = tell
        self._package = package
        self._configuration = configure(directory, stanzas)

    def names(self, prefix: str) -> list[str]:
        """The names, sorted, of the binary packages that Debian lists now and that start with `prefix`."""
        self._update()
        return sorted(self._run(["apt-cache", "pkgnames", prefix]).stdout.split())

    def versions(self) -> list[SourceVersion]:
        """The versions that Debian lists now, oldest first."""
        update = self._update()
        show = "showsrc" if self._package.kind is Kind.SOURCE else "show"
        shown = self._run(["apt-cache", show, self._package.name])
        found = {line.split()[1] for line in shown.stdout.splitlines() if line.startswith("Version: ")}
        if not found:
            raise ScenarioError(
                f"apt lists no {self._package.kind.name.lower()} package {self._package.name}. It said:\n"
                f"{_indented(update.stdout + update.stderr)}\n"
                + self._package.advise(f"Check the network and the Debian sources in {SYSTEM_APT}.")
            )
        return [SourceVersion(full) for full in sorted(found, key=functools.cmp_to_key(_compare))]

    def download(self, version: SourceVersion) -> Path:
        """The upstream tarball of that version, or the binary package, in a directory of its own below ours."""
        directory = self._directory / f"{self._package.name}_{version.upstream}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        wanted = f"{self._package.name}={version.full}"
        source = self._package.kind is Kind.SOURCE
        fetch = ["apt-get", "source", "--download-only"] if source else ["apt-get", "download"]
        size = _total_size(self._run([*fetch, "--print-uris", wanted]).stdout)
        done = self._run([*fetch, wanted], cwd=directory, size=size)
        arrived = sorted(directory.glob("*.orig.tar.*[!c]" if source else "*.deb"))
        if done.returncode or not arrived:
            said = f"apt could not download {wanted}. It said:\n{_indented(done.stderr)}\nTry again later."
            raise ScenarioError(self._package.advise(said))
        return arrived[0]

    def _update(self) -> subprocess.CompletedProcess[str]:
        self._tell(Step(f"reading Debian's list of {self._package.kind.name.lower()} packages"))
        return self._run(["apt-get", "update"])

    def _run(
        self, command: Sequence[str], cwd: Path | None = None, size: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one apt command, telling how many of `size` bytes have arrived in `cwd` meanwhile."""
        full = [command[0], "-c", str(self._configuration), *command[1:]]
        output, errors = self._directory / "stdout", self._directory / "stderr"
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(
                full,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=_environment(os.environ),
            )
            try:
                while process.poll() is None:
                    if cwd is not None:
                        arrived = sum(file.stat().st_size for file in cwd.iterdir() if file.is_file())
                        self._tell(Step(f"downloading {self._package.name} from Debian", arrived, size))
                    try:
                        process.wait(_POLL_SECONDS)
                    except subprocess.TimeoutExpired:
                        continue
            finally:
                process.kill()
                process.wait()
        return subprocess.CompletedProcess(
            full, process.returncode, output.read_text(errors="replace"), errors.read_text(errors="replace")
        )


def choose(
    listed: Sequence[SourceVersion], wanted: str | None, default: str | None, package: Package = WEBKIT
) -> SourceVersion:
    """The newest revision of `wanted`; with nothing wanted, of `default`, else the newest of all.

    `listed` is not empty, oldest first. Raises `ScenarioError` when `wanted` is not among them.
    """
    matching = [version for version in listed if version.upstream == (wanted or default)]
    if matching:
        return matching[-1]
    if wanted is None:
        return listed[-1]
    names = ", ".join(dict.fromkeys(version.upstream for version in listed))
    raise ScenarioError(
        f"Debian's sources on this machine list {package.name} {names}, not {wanted}.\n"
        + package.advise("Ask for one of those.")
    )


def debian_stanzas(etc: Path, kind: Kind) -> str:
    """The machine's enabled Debian sources, `deb` or `deb-src`, as deb822 stanzas of `kind`, or ""."""
    stanzas: list[Mapping[str, str]] = []
    parts = etc / "sources.list.d"
    for file in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        stanzas += _read_one_line_style(_read(file))
    for file in sorted(parts.glob("*.sources")):
        stanzas += _read_deb822_style(_read(file))
    rendered = [text for stanza in stanzas if (text := _rendered(stanza, kind))]
    return "\n".join(dict.fromkeys(rendered))


def _rendered(stanza: Mapping[str, str], kind: Kind) -> str:
    uris = [uri for uri in stanza.get("uris", "").split() if _DEBIAN_URI.search(uri)]
    kinds = stanza.get("types", "").split()
    disabled = stanza.get("enabled", "yes").strip().lower() in (
        "no",
        "false",
        "off",
        "0",
        "without",
        "disable",
    )
    if disabled or not uris or not {"deb", "deb-src"}.intersection(kinds):
        return ""
    lines = [
        f"Types: {kind}",
        f"URIs: {' '.join(uris)}",
        f"Suites: {' '.join(stanza.get('suites', '').split())}",
        f"Components: {' '.join(stanza.get('components', '').split())}",
    ]
    lines += [f"{name}: {stanza[key].strip()}" for key, name in _KEPT_FIELDS.items() if key in stanza]
    return "\n".join(lines) + "\n"


def _read_one_line_style(text: str) -> Iterator[Mapping[str, str]]:
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.split("#")[0].strip()):
            options = dict(part.split("=", 1) for part in (match["options"] or "").split() if "=" in part)
            stanza = {
                "types": "deb",
                "uris": match["uri"],
                "suites": match["suite"],
                "components": match["components"],
            }
            yield {**{key.lower(): value for key, value in options.items()}, **stanza}


def _read_deb822_style(text: str) -> Iterator[Mapping[str, str]]:
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", uncommented):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        yield fields


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def configure(directory: Path, stanzas: str, architecture: str | None = None) -> Path:
    """Write sources and configuration, make the directories that apt wants; the configuration's path.

    For another `architecture` than the machine's, apt takes nothing for installed.
    """
    directory = directory.absolute()
    for name in ("lists/partial", "archives/partial"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    sources = directory / "debian.sources"
    sources.write_text(stanzas)
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": directory / "lists",
        "Dir::Cache": directory,
        "Dir::Cache::Archives": directory / "archives",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"
    lines = []
    if architecture is not None:
        (directory / "status").write_text("")
        settings |= {
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "Dir::State": directory,
            "Dir::State::status": directory / "status",
        }
        lines += ["#clear APT::Architectures;", f'APT::Architectures {{ "{architecture}"; }};']
    lines += [f'{name} "{value}";' for name, value in settings.items()]
    # The system's hooks would act on the system, or fail without root.
    lines += [f"#clear APT::Update::{hook};" for hook in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")]
    lines += [f"#clear DPkg::{hook};" for hook in ("Pre-Install-Pkgs", "Pre-Invoke", "Post-Invoke")]
    configuration = directory / "apt.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with apt's messages in English, as this module reads them."""
    return {**environment, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _compare(left: str, right: str) -> int:
    def holds(relation: str) -> bool:
        return subprocess.run(["dpkg", "--compare-versions", left, relation, right], check=False).returncode == 0

    return -1 if holds("lt") else int(holds("gt"))


def _total_size(uris: str) -> int | None:
    """Bytes, from lines of `'uri' name size hash`."""
    sizes = [int(match) for match in re.findall(r"^'[^']*' \S+ (\d+)", uris, re.MULTILINE)]
    return sum(sizes) or None


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-12:])
