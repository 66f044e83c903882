"""Our queries against GitHub's whole schema, and what GraphQL's answers and refusals become."""

from __future__ import annotations

import shutil

import pytest
from graphql import GraphQLSchema, build_schema, parse, print_ast, validate

from simulator.graphql.generate import ORIGIN, SCHEMA, cut, written
from tests.workers.gitrepos import git
from tests.workers.house import GOOD, REPOSITORY, House
from workers.github import GitHubError, NotThere, RateLimited, Rejected, Unavailable
from workers.github.failures import Forbidden
from workers.github.graphql import (
    MINIMIZE,
    MOST_PATHS,
    AssociatedPull,
    BlameRange,
    blame_query,
    blame_variables,
    read_blame,
    refusal,
)
from workers.scenario.progress import silent
from workers.scenario.source import default_cache_dir
from workers.stress.javascript.npm import npm_package


@pytest.fixture(scope="module")
def whole() -> str:
    """GitHub's whole schema, from npm; fetched once."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing (Debian: apt-get install npm)")
    package = npm_package(ORIGIN.package, ORIGIN.version, default_cache_dir() / "npm", silent)
    return (package.tree / "package" / ORIGIN.file).read_text()


@pytest.fixture(scope="module")
def schema(whole: str) -> GraphQLSchema:
    # GitHub defines a field twice, which the specification does not allow.
    return build_schema(whole, assume_valid=True)


@pytest.mark.parametrize("query", [MINIMIZE, *(blame_query(count) for count in (1, 2, MOST_PATHS))])
def test_github_understands_what_we_ask(schema: GraphQLSchema, query: str) -> None:
    assert validate(schema, parse(query)) == []


@pytest.mark.parametrize("wrong", [blame_query(1).replace("oid ", "sha "), MINIMIZE.replace("OUTDATED", "OLD")])
def test_github_would_not_understand_a_mistake(schema: GraphQLSchema, wrong: str) -> None:
    assert validate(schema, parse(wrong)) != []


def test_the_simulator_holds_us_to_github_s_own_schema(whole: str) -> None:
    assert SCHEMA.read_text() == written(cut(parse(whole, no_location=True)), ORIGIN)


def test_values_are_variables_and_never_part_of_the_text() -> None:
    hostile = ['a".h', "$path1", "}{", "ä\n\\.h"]
    variables = blame_variables("acme/engine", "0" * 40, hostile)
    assert variables == {
        "owner": "acme",
        "name": "engine",
        "sha": "0" * 40,
        **{f"path{number}": path for number, path in enumerate(hostile)},
    }
    asked = parse(blame_query(len(hostile)))
    assert all(f"${name}" in print_ast(asked) for name in variables)
    assert "acme" not in blame_query(len(hostile))


def commit(oid: str, pulls: object) -> dict[str, object]:
    return {"startingLine": 1, "endingLine": 9, "commit": {"oid": oid, "associatedPullRequests": pulls}}


def test_pull_requests_of_other_repositories_and_what_is_not_told_are_passed_over() -> None:
    here, elsewhere = {"nameWithOwner": "acme/Engine"}, {"nameWithOwner": "fork/engine"}
    nodes = [
        {"number": 4, "title": "Wider", "repository": here},
        None,
        {"number": 5, "title": "Other", "repository": elsewhere},
    ]
    ranges = [commit("a", {"nodes": nodes}), commit("b", None), commit("c", {"nodes": None})]
    data = {"repository": {**here, "object": {"file0": {"ranges": ranges}}}}
    assert read_blame(data, ["a.h"]) == {
        "a.h": (
            BlameRange(1, 9, "a", (AssociatedPull(4, "Wider"),)),
            BlameRange(1, 9, "b", ()),
            BlameRange(1, 9, "c", ()),
        )
    }


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([{"type": "NOT_FOUND", "message": "Could not resolve"}], NotThere),
        ([{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}], Forbidden),
        ([{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}], RateLimited),
        ([{"type": "NOT_FOUND"}, {"type": "RATE_LIMITED"}], RateLimited),
        ([{"type": "UNPROCESSABLE", "message": "No"}], Rejected),
        ([{"message": "Something went wrong while executing your query."}], Rejected),
        (["strange"], Rejected),
        ([{}, {"type": "NOT_FOUND"}], Rejected),
    ],
)
def test_what_a_refusal_means(errors: list[object], expected: type[GitHubError]) -> None:
    assert type(refusal(errors, {}, 1000.0)) is expected


def test_a_limit_lasts_as_long_as_github_says() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}
    limited = refusal([{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}], headers, 1000.0)
    assert isinstance(limited, RateLimited)
    assert limited.seconds == 91
    assert str(limited) == "POST /graphql RATE_LIMITED: 429 API rate limit exceeded"


def test_several_files_are_blamed_in_one_call(house: House) -> None:
    head = house.open({"Source/page.h": "#define PAGE 16384\n#define MORE 1\n", 'Source/a "b".h': "one\n"})
    base = git(house.source, "rev-parse", "main")
    number, paths = house.number, ["Source/page.h", 'Source/a "b".h']
    with house.tools.github.client(house.installation_id) as client:
        found = client.blame(REPOSITORY, head, paths)
    own = (AssociatedPull(number, "A change"),)
    assert found == {
        "Source/page.h": (BlameRange(1, 1, base, ()), BlameRange(2, 2, head, own)),
        'Source/a "b".h': (BlameRange(1, 1, head, own),),
    }
    assert house.calls("POST", "/graphql") == 1


def test_what_is_not_there_is_said_to_be(house: House) -> None:
    head = house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        for repository, sha, path in (
            (REPOSITORY, "0" * 40, "README.md"),
            (REPOSITORY, head, "nowhere.h"),
            ("acme/other", head, "README.md"),
        ):
            with pytest.raises(NotThere):
                client.blame(repository, sha, [path])


@pytest.mark.parametrize("count", [0, MOST_PATHS + 1])
def test_a_question_is_about_a_few_files(house: House, count: int) -> None:
    with house.tools.github.client(house.installation_id) as client, pytest.raises(ValueError, match="1 to 10"):
        client.blame(REPOSITORY, "0" * 40, ["a.h"] * count)


def test_a_comment_is_folded_away(house: House) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        made = client.create_comment(REPOSITORY, house.number, "An answer")
        client.minimize_comment(made.node_id)
        assert house.simulator.minimized(made.id) == "OUTDATED"
        with pytest.raises(NotThere):
            client.minimize_comment("IC_nothing")


def test_a_write_is_not_repeated(house: House) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        made = client.create_comment(REPOSITORY, house.number, "An answer")
        house.simulator.fail_next("POST", "/graphql$", 502)
        with pytest.raises(Unavailable):
            client.minimize_comment(made.node_id)
    assert house.calls("POST", "/graphql") == 1


def test_a_limit_keeps_the_next_job_away(house: House) -> None:
    house.open(GOOD)
    house.simulator.fail_next("POST", "/graphql$", 403, {"Retry-After": "30"})
    with house.tools.github.client(house.installation_id) as client, pytest.raises(RateLimited):
        client.minimize_comment("IC_1")
    with pytest.raises(RateLimited), house.tools.github.client(house.installation_id):
        pass
