"""Pull requests that touched the same constants: the lines that define them, and who wrote these."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from checker.check import check
from checker.profile import load_profile
from checker.report import Report
from checker.tree import Tree
from tests.checker.trees import files_below, memory_tree
from tests.workers.gitrepos import git, profile
from tests.workers.house import REPOSITORY, House
from workers.git import local_tree
from workers.github import RateLimited
from workers.github.failures import Unauthorized
from workers.github.graphql import AssociatedPull, BlameRange
from workers.related import MOST_PULLS, Lines, definition_lines, find_related, relate
from workers.report.context import RelatedPull
from workers.runs import Run

TEXT = """\
/* #define PAGE 1
#define PAGE 2 */
// PAGE = 3
#define PAGE 4
#if SOMETHING
#  define	PAGE  \\
    (UNIT << \\
     2)
#define PAGES 5
#endif
#define SAID "PAGE = 6"
static constexpr size_t blockSize =
    PAGE * 2; static constexpr size_t atomSize { 16 };
enum { QUOTE = '"', COUNT = 7, LAST };
bool same = blockSize == 8 && COUNT != 9 && other->COUNT && at.PAGE == 1;
table = { .COUNT = 3 };
"""


def test_every_definition_counts_and_nothing_else_does() -> None:
    names = ["PAGE", "MarkedBlock::blockSize", "atomSize", "COUNT", "LAST", "sizeof(PAGE)", "NONE"]
    assert definition_lines(TEXT, names) == snapshot(
        {"PAGE": (4, 6, 7, 8), "MarkedBlock::blockSize": (12, 13), "atomSize": (13,), "COUNT": (14,)}
    )


def test_lines_are_counted_as_git_does() -> None:
    text = "\f\x0b\u2028\r#define NO 1\r\n#define PAGE 1\r\n#define MORE \\\r\n  2\r\n"
    assert definition_lines(text, ["PAGE", "MORE"]) == {"PAGE": (2,), "MORE": (3, 4)}


@pytest.mark.parametrize("text", ["", "/*", '"', "#define", "#define PAGE", "PAGE =", "PAGE {", "'", "#define PAGE \\"])
def test_what_ends_early_has_what_is_there(text: str) -> None:
    assert definition_lines(text, ["PAGE"]) == ({"PAGE": (1,)} if "PAGE" in text else {})


@pytest.mark.parametrize("piece", ['"\\', "PAGE = ", "PAGE ", "#define PAGE \\\n", "\\ \t", "/*", "'", "# ", "{", "//"])
def test_a_text_is_read_once_whatever_is_in_it(piece: str) -> None:
    # Were it read anew at each of its pieces, nobody would see this end.
    assert definition_lines(piece * (2_000_000 // len(piece)), ["PAGE"]).keys() <= {"PAGE"}


def test_in_real_headers_they_are_where_the_compiler_saw_them(webkit_2_50: Path, tmp_path: Path) -> None:
    libpas = load_profile("libpas")
    files = files_below(webkit_2_50, libpas)
    tree = memory_tree(files)
    (target,) = check(tree, tree, libpas, targets=["linux-arm64"], page_sizes=[65536], cache_dir=tmp_path).targets
    places = {one.name: (one.path, one.line) for one in target.constants if one.path and one.line}
    missed = {
        name: (path, line)
        for name, (path, line) in places.items()
        if line not in definition_lines(files[path].decode(), [name]).get(name, ())
    }
    assert len(places) > 40
    assert missed == {}


def blamed(first: int, last: int, *numbers: int) -> BlameRange:
    return BlameRange(first, last, "0" * 40, tuple(AssociatedPull(number, f"Title {number}") for number in numbers))


def test_pull_requests_come_newest_first_with_what_they_touched() -> None:
    lines: dict[str, Lines] = {"a.h": {"PAGE": (1, 2), "UNIT": (9,)}, "b.h": {"MORE": (3,)}, "c.h": {"LOST": (1,)}}
    ranges = {"a.h": (blamed(1, 1, 4), blamed(2, 8, 5, 9), blamed(9, 20, 4)), "b.h": (blamed(1, 9, 12), blamed(3, 3))}
    assert relate(lines, ranges, 9) == (
        RelatedPull(12, "Title 12", ("MORE",)),
        RelatedPull(5, "Title 5", ("PAGE",)),
        RelatedPull(4, "Title 4", ("PAGE", "UNIT")),
    )


def test_only_the_newest_are_told() -> None:
    found = relate({"a.h": {"PAGE": (1,)}}, {"a.h": (blamed(1, 1, *range(1, 20)),)}, None)
    assert [pull.number for pull in found] == [19, 18, 17, 16, 15]
    assert len(found) == MOST_PULLS


def test_it_goes_to_json_and_back() -> None:
    pull = RelatedPull(4, "Title", ("PAGE", "UNIT"))
    assert RelatedPull.from_json(pull.to_json()) == pull


def merged(house: House, page: int, title: str) -> int:
    """A pull request that sets the page size and is merged, and its number."""
    branch = f"page-{page}"
    sha = house.change({"Source/page.h": f"#define UNIT 1\n#define PAGE {page}\n"}, start="main")
    house.simulator.push(REPOSITORY, branch, sha)
    number = house.simulator.open_pull(REPOSITORY, branch, "main", title).number
    tip = house.simulator.merge(REPOSITORY, number)
    git(house.source, "fetch", "--quiet", str(house.source.parent / "github" / f"{REPOSITORY}.git"), tip)
    git(house.source, "branch", "--force", "main", tip)
    return number


def opened(house: House) -> tuple[Run, Report, Tree]:
    """A pull request that changes `PAGE`, with its report and its base."""
    head = house.open({"Source/page.h": "#define UNIT 1\n#define PAGE 4096\n"})
    base = git(house.source, "rev-parse", "main")
    trees = [local_tree(house.source, sha, profile()) for sha in (base, head)]
    run = Run(house.installation_id, REPOSITORY, house.number, base, head, "http://localhost/", ())
    return run, check(trees[0], trees[1], profile()), trees[0]


def test_the_pull_request_that_last_defined_what_changes_is_found(house: House) -> None:
    merged(house, 65536, "Wider")
    last = merged(house, 32768, "Narrower @somebody")
    run, report, base = opened(house)
    with house.tools.github.client(house.installation_id) as client:
        assert find_related(client, run, [report], base) == (RelatedPull(last, "Narrower @somebody", ("PAGE",)),)
        assert house.calls("POST", "/graphql") == 1


def test_where_nothing_changed_nobody_is_asked(house: House) -> None:
    run, report, base = opened(house)
    same = report.model_copy(update={"targets": ()})
    with house.tools.github.client(house.installation_id) as client:
        assert find_related(client, run, [same], base) == ()
    assert house.calls("POST", "/graphql") == 0


@pytest.mark.parametrize("status", [403, 404, 422, 502])
def test_what_github_refuses_is_left_out(house: House, status: int) -> None:
    merged(house, 65536, "Wider")
    run, report, base = opened(house)
    house.simulator.fail_next("POST", "/graphql$", status)
    with house.tools.github.client(house.installation_id) as client:
        assert find_related(client, run, [report], base) == ()
        assert len(find_related(client, run, [report], base)) == 1


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (429, RateLimited)])
def test_a_limit_and_a_bad_token_are_the_jobs_business(house: House, status: int, error: type[Exception]) -> None:
    run, report, base = opened(house)
    house.simulator.fail_next("POST", "/graphql$", status)
    with house.tools.github.client(house.installation_id) as client, pytest.raises(error):
        find_related(client, run, [report], base)


def test_a_base_that_was_force_pushed_away_is_nobodys_fault(house: House) -> None:
    run, report, base = opened(house)
    gone = Run.from_json({**run.to_json(), "base": "0" * 40})
    with house.tools.github.client(house.installation_id) as client:
        assert find_related(client, gone, [report], base) == ()
