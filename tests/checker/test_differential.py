"""Other compilers read the same probe and agree with libclang on every value.

g++ reads it with real system headers, and its assembly tells the values. clang knows all targets, but there are no
system headers of other systems here: it reads the stand-ins, which is not enough for the bodies of functions, and is
made to assert every value.
The C++ constants that libclang takes from slices are found by the compiler's own preprocessor.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from checker.clang import stubs
from checker.entries import Target
from checker.evaluation import Evaluation, evaluate
from checker.probe import STUBS, Wanted, build, slice_of
from checker.profile import Profile, load_profile
from tests.checker.trees import files_below, memory_tree
from workers.scenario import Scenario

# Not linux-armv7: libpas's headers have a type of 128 bits, which g++ has on 64-bit targets only.
GXX = {
    "linux-x86_64": "x86_64-linux-gnu-g++",
    "linux-arm64": "aarch64-linux-gnu-g++",
    "linux-ppc64le": "powerpc64le-linux-gnu-g++",
    "linux-riscv64": "riscv64-linux-gnu-g++",
}
CLANG = "clang++-19"
PACKAGES = "g++ g++-aarch64-linux-gnu g++-powerpc64le-linux-gnu g++-riscv64-linux-gnu clang-19"
NONCE = "probe"
LABEL = re.compile(r"^_?(out_\w+):")
DATUM = re.compile(r"\s+\.(quad|xword|dword|8byte|word|long|4byte|zero|space|skip)\s+(\d+)")
BYTES = {"quad": 8, "xword": 8, "dword": 8, "8byte": 8, "word": 4, "long": 4, "4byte": 4}


@dataclass(frozen=True)
class Compiler:
    """A compiler for one target, and where it finds the headers."""

    command: tuple[str, ...]
    profile: Profile
    target: Target
    root: Path

    def run(self, *arguments: str, text: str) -> str:
        """Its output for a translation unit without errors."""
        done = self.attempt(*arguments, text=text)
        assert done.returncode == 0, done.stderr[:4000]
        return done.stdout

    def attempt(self, *arguments: str, text: str) -> subprocess.CompletedProcess[str]:
        """What came of a translation unit."""
        defines = {**self.profile.defines, **self.target.defines}
        options = [
            *(f"-D{name}={value}" for name, value in defines.items()),
            *(f"-I{self.root / path}" for path in (*self.target.include, *self.profile.include)),
        ]
        command = [*self.command, "-x", "c++", "-std=c++20", "-w", "-O0", *options, *arguments, "-"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session", params=["A", "B", "C", "D", "2.42.2"])
def sources(
    request: pytest.FixtureRequest, scenario: Scenario, webkit_2_42: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A directory with one version of the headers."""
    if request.param == "2.42.2":
        return webkit_2_42
    directory = tmp_path_factory.mktemp(request.param)
    archive = subprocess.run(
        ["git", "-C", scenario.path, "archive", scenario.shas[request.param]], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", directory], input=archive.stdout, check=True)
    return directory


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pagewarden's system headers as files."""
    directory = tmp_path_factory.mktemp("stubs")
    for name, content in stubs().items():
        path = directory / name.removeprefix(f"{STUBS}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


@pytest.mark.parametrize("name", sorted(GXX))
def test_gxx_agrees_on_every_value(libpas: Profile, sources: Path, name: str) -> None:
    agrees((installed(GXX[name]),), libpas, name, sources)


@pytest.mark.parametrize("name", sorted(load_profile("libpas").targets))
def test_clang_agrees_on_every_value(libpas: Profile, sources: Path, stand_ins: Path, name: str) -> None:
    files = files_below(sources, libpas)
    target = libpas.targets[name]
    ours = evaluate(memory_tree(files), libpas, target)
    assert not ours.failures
    compiler = Compiler(clang(target, stand_ins), libpas, target, sources)
    assert refused_by(compiler, files, ours) == set()


def test_clang_refuses_a_wrong_value(libpas: Profile, webkit_2_42: Path, stand_ins: Path) -> None:
    target = libpas.targets["linux-arm64"]
    files = files_below(webkit_2_42, libpas)
    ours = evaluate(memory_tree(files), libpas, target)
    wrong = {wanted: value + (wanted.name == "PAS_MAX_GRANULES") for wanted, value in ours.values.items()}
    compiler = Compiler(clang(target, stand_ins), libpas, target, webkit_2_42)
    assert refused_by(compiler, files, replace(ours, values=wrong)) == {"PAS_MAX_GRANULES"}


def installed(command: str) -> str:
    path = shutil.which(command)
    if path is None:
        pytest.skip(f"no {command} here; on Debian: apt-get install {PACKAGES}")
    return path


def clang(target: Target, stand_ins: Path) -> tuple[str, ...]:
    system = [argument for kind in target.system for argument in ("-isystem", str(stand_ins / kind))]
    return (installed(CLANG), "-target", target.triple, "-nostdinc", "-nostdinc++", *system)


def agrees(command: tuple[str, ...], profile: Profile, name: str, sources: Path) -> None:
    """Asserts that the compiler gives every value that libclang gives, and the same."""
    files = files_below(sources, profile)
    target = profile.targets[name]
    ours = evaluate(memory_tree(files), profile, target)
    assert not ours.failures
    theirs = values_of(Compiler(command, profile, target, sources), files, ours)
    assert theirs == ours.values
    assert len(theirs) > 70


def test_absence_is_agreed_on_too(libpas: Profile, sources: Path) -> None:
    ours = evaluate(memory_tree(files_below(sources, libpas)), libpas, libpas.targets["linux-arm64"])
    wanted = set(build(libpas, (), NONCE).variables.values())
    assert wanted == set(ours.values) | ours.absent
    assert all(wanted.kind in {"constant", "macro"} or needs(wanted, libpas) for wanted in ours.absent)


def needs(wanted: Wanted, profile: Profile) -> bool:
    """Whether the profile says when the value may be absent."""
    if wanted.kind == "limit":
        return profile.limits[wanted.name].needs is not None
    heap = next(heap for heap in profile.heaps if heap.name == wanted.name)
    return profile.heap_fields[heap.kind][wanted.field].needs is not None


def values_of(compiler: Compiler, files: Mapping[str, bytes], ours: Evaluation) -> dict[Wanted, int]:
    """Every value the compiler can give, read from the assembly it makes."""
    unit = unit_for(compiler, files, ours, 'extern "C" const unsigned long long out_{0} = {0};')
    numbers = read_assembly(compiler.run("-S", "-o", "-", text=unit))
    variables = build(compiler.profile, (), NONCE).variables
    return {wanted: numbers[f"out_{name}"] for name, wanted in variables.items() if f"out_{name}" in numbers}


def refused_by(compiler: Compiler, files: Mapping[str, bytes], ours: Evaluation) -> set[str]:
    """Names of the values that are others to the compiler. Errors in the headers' functions do not matter."""
    unit = unit_for(compiler, files, ours, 'static_assert({0} == {1}ull, "{0} is another");')
    done = compiler.attempt("-fsyntax-only", "-ferror-limit=0", text=unit)
    lines = done.stderr.splitlines()
    assert not [line for line in lines if line.startswith("error: ") or "fatal error: " in line], done.stderr[:4000]
    errors = [line for line in lines if line.startswith("<stdin>:") and " error: " in line]
    refused = [match for line in errors if (match := re.search(r"(probe_\d+) is another", line))]
    assert len(refused) == len(errors), "\n".join(errors)[:4000]
    variables = build(compiler.profile, (), NONCE).variables
    return {variables[match[1]].name for match in refused}


def unit_for(compiler: Compiler, files: Mapping[str, bytes], ours: Evaluation, more: str) -> str:
    """The probe with `more` after each variable, {0} being its name and {1} our value; what is absent is left out."""
    probe = build(compiler.profile, (), NONCE)
    lines = probe.text.splitlines()
    for variable, wanted in probe.variables.items():
        index = next(n for n, line in enumerate(lines) if f" {variable} = " in line)
        if wanted in ours.absent and wanted.kind != "macro":
            lines[index] = ""
        else:
            # g++ resolves a name that a header has not declared yet only where it is used, so each follows its macro.
            lines[index] += " " + more.format(variable, ours.values.get(wanted, 0))
    first = next(n for n, line in enumerate(lines) if "(WTF::" in line)
    lines[first:first] = declarations(preprocessed(compiler, files))
    return "\n".join(lines)


def read_assembly(assembly: str) -> dict[str, int]:
    """Symbol → value of eight bytes, which may come in two halves, the lower one first; a gap is zero."""
    values: dict[str, int] = {}
    symbol, offset = None, 0
    for line in assembly.splitlines():
        if match := LABEL.match(line):
            symbol, offset = match[1], 0
            values[symbol] = 0
        elif symbol is not None and (datum := DATUM.match(line)):
            size = BYTES.get(datum[1])
            values[symbol] |= int(datum[2]) << (8 * offset) if size else 0
            offset += size or int(datum[2])
        if symbol is not None and offset >= 8:
            symbol = None
    return values


def preprocessed(compiler: Compiler, files: Mapping[str, bytes]) -> str:
    """What the compiler's own preprocessor leaves of the slices."""
    profile = compiler.profile
    slices = [path for section in profile.sections for path in section.slices if path in files]
    includes = "".join(f"#include <{header}>\n" for section in profile.sections for header in section.include)
    text = "\n".join(slice_of(files[path]).decode(errors="replace") for path in slices)
    return compiler.run("-E", "-P", text=f"{includes}begin_of_slices\n{text}").partition("begin_of_slices")[2]


def declarations(text: str) -> list[str]:
    """Those of WTF, bmalloc and JavaScriptCore that the values are made of, found in the slices, in their scopes."""
    block = text[text.rfind("class MarkedBlock {") :]
    members = [constant(name, block) for name in ("atomSize", "blockSize", "atomsPerBlock")]
    counter = re.search(r"(\w+) m_markCountBias;", block)
    assert counter is not None
    header = f"struct Header {{ {counter[0]} }};"
    own = text[text.rfind("ConfigSizeToProtect = 16 * bmalloc") :]
    found = [
        f"namespace WTF {{ {constant('CeilingOnPageSize', text)} {constant('ConfigSizeToProtect', text)} }}",
        f"namespace JSC {{ using namespace WTF; struct MarkedBlock {{ {aliases(counter[1], block)} "
        f"{' '.join(members)} {header} }}; }}",
    ]
    if own.startswith("ConfigSizeToProtect"):
        found.append(f"namespace WebConfig {{ constexpr size_t {own.partition(';')[0]}; }}")
    if opcode := re.search(r"constexpr size_t OpcodeConfigSizeToProtect = [^;]*;", text):
        found.append(f"namespace JSC::LLInt {{ using namespace WTF; {opcode[0]} }}")
    return found


def constant(name: str, text: str) -> str:
    """The declaration of a C++ constant."""
    found = re.search(rf"(?:static )?constexpr size_t {name} = [^;]*;", text)
    assert found is not None, name
    return found[0]


def aliases(name: str, text: str) -> str:
    """The declarations of a type's name and of the names that it stands for."""
    found = re.search(rf"using {name} = ([^;]*);", text)
    return (
        "" if found is None else " ".join([*(aliases(inner, text) for inner in re.findall(r"\w+", found[1])), found[0]])
    )


def test_assembly_is_read_as_written() -> None:
    assembly = (
        "out_a:\n\t.quad\t16384\nother:\n\t.quad\t1\n_out_b:\n\t.zero\t8\nout_c:\n\t.xword\t7  // 0x7\n"
        "out_d:\n\t.word\t1\n\t.word\t2\n\t.word\t3\nout_e:\n\t.space 8\nout_f:\n\t.dword\t9\n"
    )
    assert read_assembly(assembly) == {
        "out_a": 16384,
        "out_b": 0,
        "out_c": 7,
        "out_d": 2**33 + 1,
        "out_e": 0,
        "out_f": 9,
    }
