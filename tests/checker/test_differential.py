"""Other compilers read the same probe and agree with libclang on every value.

g++ reads it with the host's own system headers, not pagewarden's stand-ins. The C++ constants that libclang takes
from slices are found by g++'s own preprocessor.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from checker.evaluation import evaluate
from checker.probe import Wanted, build, slice_of
from checker.profile import ConstantProbe, Profile
from tests.checker.trees import files_below, memory_tree
from workers.scenario import Scenario

COMPILERS = {"linux-x86_64": "x86_64-linux-gnu-g++", "linux-arm64": "aarch64-linux-gnu-g++"}
NONCE = "probe"
ASSEMBLED = re.compile(r"^(out_\w+):\n\s+\.(?:quad|xword|zero|word)\s+(\d+)", re.MULTILINE)


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


@pytest.mark.parametrize("target", sorted(COMPILERS))
def test_gxx_agrees_on_every_value(libpas: Profile, sources: Path, target: str) -> None:
    compiler = shutil.which(COMPILERS[target])
    if compiler is None:
        pytest.skip(f"no {COMPILERS[target]} here; on Debian: apt-get install g++ g++-aarch64-linux-gnu")
    files = files_below(sources, libpas)
    ours = evaluate(memory_tree(files), libpas, libpas.targets[target])
    assert not ours.failures
    theirs = values_of(compiler, libpas, files, sources)
    assert theirs == ours.values
    assert len(theirs) > 70


def test_absence_is_agreed_on_too(libpas: Profile, sources: Path) -> None:
    ours = evaluate(memory_tree(files_below(sources, libpas)), libpas, libpas.targets["linux-arm64"])
    wanted = set(build(libpas, (), NONCE).variables.values())
    assert wanted == set(ours.values) | ours.absent
    assert all(wanted.kind in {"constant", "macro"} for wanted in ours.absent)


def values_of(compiler: str, profile: Profile, files: Mapping[str, bytes], root: Path) -> dict[Wanted, int]:
    """Every value the compiler can give, read from the assembly it makes; optional constants may be missing."""
    probe = build(profile, (), NONCE)
    declared = {
        constant: line
        for constant in profile.constants
        if not constant.macro and (line := preprocessed(compiler, profile, files, root, constant)) is not None
    }
    missing = [constant.name for constant in profile.constants if not constant.macro and constant not in declared]
    lines = probe.text.splitlines()
    for variable, wanted in probe.variables.items():
        index = next(n for n, line in enumerate(lines) if f" {variable} = " in line)
        if wanted.name in missing:
            lines[index] = ""
        else:
            # g++ resolves a name that a header has not declared yet only where it is used, so each follows its macro.
            lines[index] += f' extern "C" const unsigned long long out_{variable} = {variable};'
    first = next(n for n, line in enumerate(lines) if "(WTF::" in line)
    lines[first:first] = [in_its_scope(constant, line) for constant, line in declared.items()]
    assembly = run(compiler, profile, root, "-S", "-o", "-", text="\n".join(lines))
    numbers = {name.removeprefix("out_"): value for name, value in read_assembly(assembly).items()}
    return {wanted: numbers[name] for name, wanted in probe.variables.items() if name in numbers}


def read_assembly(assembly: str) -> dict[str, int]:
    """Symbol → value; a `.zero` directive is a zero."""
    return {
        match[1]: 0 if ".zero" in match[0] else int(match[2])
        for match in ASSEMBLED.finditer(assembly)
        if match[1].startswith("out_")
    }


def preprocessed(
    compiler: str, profile: Profile, files: Mapping[str, bytes], root: Path, constant: ConstantProbe
) -> str | None:
    """The declaration of a C++ constant that is left of the slices after the compiler's own preprocessor."""
    slices = [path for section in profile.sections for path in section.slices if path in files]
    includes = "".join(f"#include <{header}>\n" for header in profile.sections[-1].include)
    text = includes + "\n".join(slice_of(files[path]).decode(errors="replace") for path in slices)
    output = run(compiler, profile, root, "-E", "-P", text=text)
    owner = constant.asked_as.split("::")[-2]
    body = output[output.rfind(f"class {owner} {{") :] if f"class {owner} {{" in output else output
    declaration = rf"(?:static )?constexpr size_t {constant.unqualified} = [^;]*;"
    found = re.search(declaration, body)
    return found[0] if found else None


def in_its_scope(constant: ConstantProbe, declaration: str) -> str:
    """The declaration inside the namespaces, or the class, of its qualified name."""
    *scopes, _ = constant.asked_as.split("::")
    opened = [f"struct {scope} {{" if scope == "MarkedBlock" else f"namespace {scope} {{" for scope in scopes]
    closed = ["};" if scope == "MarkedBlock" else "}" for scope in reversed(scopes)]
    using = "using namespace WTF;" if scopes[0] != "WTF" else ""
    return " ".join([using, *opened, declaration, *closed])


def run(compiler: str, profile: Profile, root: Path, *arguments: str, text: str) -> str:
    """The compiler's output over the headers below `root`."""
    options = [
        *(f"-D{name}={value}" for name, value in profile.defines.items()),
        *(f"-I{root / directory}" for directory in profile.include),
    ]
    command = [compiler, "-x", "c++", "-std=c++20", "-w", "-O0", *options, *arguments, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return done.stdout


def test_assembly_is_read_as_written() -> None:
    assembly = "out_a:\n\t.quad\t16384\nother:\n\t.quad\t1\nout_b:\n\t.zero\t8\nout_c:\n\t.xword\t7\n"
    assert read_assembly(assembly) == {"out_a": 16384, "out_b": 0, "out_c": 7}
