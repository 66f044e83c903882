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
from checker.check import CommitTree, check
from checker.clang import libclang_version, stubs
from checker.evaluation import evaluate, headers
from checker.evaluation import read as read_headers
from checker.knobs import Turn, edited, knobs
from checker.probe import SLICES, STUBS, slice_of
from checker.profile import Profile, load_profile
from checker.report import Commit
from checker.tree import Tree
from workers.git import local_tree
from workers.scenario import Scenario, make_scenario
from workers.scenario import headers as source_headers

COUNTS = (1, 2, 8)
"""How many targets are checked; linux-arm64 is the first."""
COMMITS = 20


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
    for count in COUNTS:
        targets = tuple(profile.targets)[:count]
        result[f"A→D, cold, {count} target(s)"] = measure(partial(check, base, head, profile, targets=targets), repeats)
        result[f"A→D, base cached, {count} target(s)"] = cached_base(profile, base, head, targets, directory, repeats)
        result[f"A→D, both cached, {count} target(s)"] = both_cached(profile, base, head, targets, directory, repeats)
    return result


def histories(profile: Profile, base: Tree, directory: Path, repeats: int) -> tuple[dict[str, Cost], int]:
    """Costs of a change of many commits that touch one watched header each; and how many evaluations a target takes."""
    commits = history(profile, base)
    targets = ("linux-arm64",)
    cache = Path(tempfile.mkdtemp(dir=directory))
    check(base, commits[-1].tree, profile, targets=targets, commits=commits, cache_dir=cache)
    made = sum(1 for path in cache.rglob("*.json"))
    work = partial(check, base, commits[-1].tree, profile, targets=targets, commits=commits)
    one = partial(check, base, commits[0].tree, profile, targets=targets)
    return {
        "one commit, cold, 1 target": measure(one, repeats),
        f"{COMMITS} commits, cold, 1 target": measure(work, max(repeats // 3, 1)),
    }, made


def history(profile: Profile, base: Tree) -> list[CommitTree]:
    """Commits that raise one literal of a watched header further and further."""
    evaluation = evaluate(base, profile, profile.targets["linux-arm64"])
    content = read_headers(base, headers(base, profile))
    knob = knobs(["PAS_MAX_OBJECTS_PER_PAGE"], evaluation, content, profile)[0]
    return [
        CommitTree(Commit(sha=f"{number:040x}", subject=f"{knob.name} {number}"), edited(base, [Turn(knob, value)]))
        for number, value in enumerate(range(knob.value + 32, knob.value + 32 * (COMMITS + 1), 32), 1)
    ]


def repairs(profile: Profile, scenario: Scenario, repeats: int) -> tuple[dict[str, Cost], int]:
    """Cost of a check of A against B with the search for repairs on all targets; and how many trees it tries."""
    base, head = (local_tree(scenario.path, scenario.shas[name], profile) for name in "AB")
    tried = sum(advice.tried for advice in check(base, head, profile, advice=True).advice)
    search = partial(check, base, head, profile, advice=True)
    return {
        "A→B, cold, all targets": measure(partial(check, base, head, profile), repeats),
        "A→B, cold, all targets, repairs": measure(search, max(repeats // 3, 1)),
    }, tried


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
        commits, made = histories(profile, base, directory, repeats)
        search, tried = repairs(profile, scenario, repeats)
    print(f"libclang {libclang_version()}, medians of {repeats}; ratios of processor time")
    for label, cost in peer.items():
        print(f"g++ {label:<28} cpu {cost.cpu:6.3f} s  wall {cost.wall:6.3f} s")
    for label, cost in {**rows, **commits, **search}.items():
        ratios = "  ".join(f"{cost.cpu / other.cpu:5.2f} × {name}" for name, other in peer.items())
        print(f"{label:<32} cpu {cost.cpu:6.3f} s  wall {cost.wall:6.3f} s  {ratios}")
    print(
        f"{COMMITS} commits made {made} evaluations for one target; the search for repairs tried {tried} edited trees"
    )


if __name__ == "__main__":
    main()
