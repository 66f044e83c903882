"""What a check costs, as a ratio to `gcc -E` over the same headers in the same run.

    python -m benchmarks.check [--repeats 9]

Two peers, both g++ as a preprocessor for x86-64:
`-E` reads the headers that the profile includes with all that they include, from the host's system too;
`-E, same files` reads exactly the bytes that the evaluation reads: stand-ins for system headers, and slices.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, measure
from checker.check import check
from checker.clang import libclang_version, stubs
from checker.evaluation import evaluate, headers
from checker.evaluation import read as read_headers
from checker.probe import SLICES, STUBS, slice_of
from checker.profile import Profile, load_profile
from checker.tree import Tree
from workers.git import local_tree
from workers.scenario import Scenario, make_scenario
from workers.scenario import headers as source_headers

TARGETS = ("linux-arm64", "linux-x86_64", "darwin-arm64")


def preprocess(source: Path, options: list[str]) -> None:
    """One run of the peer."""
    subprocess.run(["g++", "-x", "c++", "-std=c++20", "-w", "-E", *options, "-o", "/dev/null", source], check=True)


def peers(profile: Profile, tree: Tree, directory: Path, repeats: int) -> dict[str, Cost]:
    """Costs of both peers over `tree`, which is written below `directory`."""
    files = read_headers(tree, headers(tree, profile))
    for path, content in files.items():
        write(directory / "tree" / path, content)
    for section in profile.sections:
        for path in section.slices:
            if path in files:
                write(directory / f"tree{SLICES}" / path, slice_of(files[path]))
    for path, content in stubs().items():
        write(directory / f"tree{path}", content)
    defines = [f"-D{name}={value}" for name, value in profile.defines.items()]
    include = [f"-I{directory}/tree/{path}" for path in profile.include]
    plain = [f"#include <{header}>" for section in profile.sections for header in section.include]
    sliced = [
        f'#include "{directory}/tree{SLICES}/{path}"' for s in profile.sections for path in s.slices if path in files
    ]
    whole = [
        f"#include <{path.removeprefix('Source/WTF/')}>"
        for s in profile.sections
        for path in s.slices
        if "/WTF/" in path
    ]
    write(directory / "whole.cpp", "\n".join([*plain, *whole]).encode())
    write(directory / "same.cpp", "\n".join([*plain, *sliced]).encode())
    complete = unpack_complete(directory)
    standins = ["-nostdinc", "-nostdinc++", "-isystem", f"{directory}/tree{STUBS}/posix"]
    return {
        "-E": measure(lambda: preprocess(directory / "whole.cpp", [*defines, *include, f"-I{complete}"]), repeats),
        "-E, same files": measure(lambda: preprocess(directory / "same.cpp", [*defines, *include, *standins]), repeats),
    }


def unpack_complete(directory: Path) -> Path:
    """All of WTF, which the first peer reads; the cache of sources keeps Debian's tarball."""
    tree = source_headers()
    tarball = next(tree.parent.glob(f"{tree.name}.orig.tar.*"))
    members = ["--wildcards", "*/Source/WTF/wtf/*", "--strip-components=1"]
    subprocess.run(["tar", "-x", "-f", tarball, "-C", directory, *members], check=True)
    return directory / "Source/WTF"


def write(path: Path, content: bytes) -> None:
    """Creates the directories on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def costs(profile: Profile, scenario: Scenario, directory: Path, repeats: int) -> dict[str, Cost]:
    """Costs of evaluations and checks, from git objects to report."""
    base, head = (local_tree(scenario.path, scenario.shas[name], profile) for name in "AD")
    target = profile.targets["linux-arm64"]
    result = {"cold tree, linux-arm64": measure(lambda: evaluate(base, profile, target), repeats)}
    for count in (1, 2, 3):
        targets = TARGETS[:count]
        result[f"A→D, cold, {count} target(s)"] = measure(partial(check, base, head, profile, targets=targets), repeats)
        result[f"A→D, base cached, {count} target(s)"] = cached_base(profile, base, head, targets, directory, repeats)
        result[f"A→D, both cached, {count} target(s)"] = both_cached(profile, base, head, targets, directory, repeats)
    return result


def cached_base(
    profile: Profile, base: Tree, head: Tree, targets: tuple[str, ...], directory: Path, repeats: int
) -> Cost:
    """A check that finds the base's evaluation in the cache and has to make the head's."""
    caches = iter(range(repeats))

    def fresh() -> Path:
        cache = Path(tempfile.mkdtemp(dir=directory))
        check(base, base, profile, targets=targets, cache_dir=cache)
        return cache

    prepared = [fresh() for _ in range(repeats)]
    return measure(lambda: check(base, head, profile, targets=targets, cache_dir=prepared[next(caches)]), repeats)


def both_cached(
    profile: Profile, base: Tree, head: Tree, targets: tuple[str, ...], directory: Path, repeats: int
) -> Cost:
    """A check again."""
    cache = Path(tempfile.mkdtemp(dir=directory))
    check(base, head, profile, targets=targets, cache_dir=cache)
    return measure(lambda: check(base, head, profile, targets=targets, cache_dir=cache), repeats)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    profile = load_profile("libpas")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        scenario = make_scenario(directory / "scenario")
        base = local_tree(scenario.path, scenario.shas["A"], profile)
        peer = peers(profile, base, directory, repeats)
        rows = costs(profile, scenario, directory, repeats)
    print(f"libclang {libclang_version()}, medians of {repeats}; ratios of processor time")
    for label, cost in peer.items():
        print(f"g++ {label:<28} cpu {cost.cpu:6.3f} s  wall {cost.wall:6.3f} s")
    for label, cost in rows.items():
        ratios = "  ".join(f"{cost.cpu / other.cpu:5.2f} × {name}" for name, other in peer.items())
        print(f"{label:<32} cpu {cost.cpu:6.3f} s  wall {cost.wall:6.3f} s  {ratios}")


if __name__ == "__main__":
    main()
