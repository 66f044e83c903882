"""Results and their evidence on the way through JSON, and the committed schema."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checker.schemas import directory, to_text
from tests.workers.report.stress_states import BUILDING, PASS, RUNNING, STATES, TAILS, WAITING, record, thousand
from workers.stress.anchors import record_anchor, slug
from workers.stress.document import from_json, to_json
from workers.stress.evidence import (
    evidence_files,
    evidence_from_json,
    evidence_of,
    evidence_to_json,
    with_evidence,
)
from workers.stress.progress import Progress
from workers.stress.result import Result
from workers.stress.schemas import schemas
from workers.stress.verdicts import Evidence, Role

TEXT = st.text(max_size=20)


def _bare(result: Result) -> Result:
    """Without evidence."""
    controls = tuple(
        replace(each, seen=replace(each.seen, evidence=Evidence()) if each.seen is not None else None)
        for each in result.controls
    )
    return replace(
        result, records=tuple(replace(each, evidence=Evidence()) for each in result.records), controls=controls
    )


@pytest.mark.parametrize("name", sorted(schemas()))
def test_committed_schemas_equal_the_models(name: str) -> None:
    assert (directory() / name).read_text() == to_text(schemas()[name]), "run `make schemas` and commit the result"


@pytest.mark.parametrize("state", STATES)
def test_a_result_fits_its_schema_and_survives_the_way_there_and_back(state: str) -> None:
    text = json.dumps(to_json(STATES[state]))
    jsonschema_rs.validate(schemas()["stress.json"], json.loads(text))
    assert from_json(json.loads(text)) == _bare(STATES[state])
    assert "not quite a core" not in text


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_lost_with_the_evidence_beside_it(state: str) -> None:
    result = STATES[state]
    kept = json.loads(json.dumps({anchor: evidence_to_json(each) for anchor, each in evidence_of(result).items()}))
    read = {anchor: evidence_from_json(each) for anchor, each in kept.items()}
    assert with_evidence(from_json(to_json(result)), read) == result


def test_one_record_for_each_subject_page_size_phase_and_seed_with_what_became_of_it() -> None:
    document = to_json(STATES["regression-64k"])
    assert (document["schema"], document["conclusion"]) == (1, "fail")
    assert len(document["records"]) == len(STATES["regression-64k"].records)
    (bad,) = [each for each in document["records"] if each["change"] == "regression"]
    assert (bad["page_size"], bad["phase"], bad["seed"], bad["signal"]) == (65536, "jit-small-bitfit", 1, "SIGTRAP")
    assert bad["crash"]["rules"] == ["page-header-fits"]
    assert {each["change"] for each in document["records"] if each["role"] == "base"} == {None}


def test_what_is_stored_as_a_pass_is_concluded_anew() -> None:
    document = {**to_json(STATES["regression-64k"]), "conclusion": "pass"}
    assert from_json(document).conclusion == "fail"


@pytest.mark.parametrize("change", [{"schema": 2}, {"machine": "toaster"}, {"extra": 1}, {"records": [{}]}])
def test_other_documents_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        from_json({**to_json(PASS), **change})


@given(st.builds(Evidence, TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | st.binary(min_size=1)))
def test_evidence_survives(evidence: Evidence) -> None:
    assert evidence_from_json(json.loads(json.dumps(evidence_to_json(evidence)))) == evidence


def test_evidence_as_files_leaves_out_what_is_empty() -> None:
    assert set(evidence_files(TAILS)) == {"stdout.txt", "stderr.txt", "kernel.txt", "core.gz"}
    assert evidence_files(TAILS)["core.gz"] == TAILS.core
    assert evidence_files(Evidence()) == {}


@pytest.mark.parametrize("progress", [WAITING, BUILDING, RUNNING])
def test_progress_survives(progress: Progress) -> None:
    assert Progress.from_json(json.loads(json.dumps(progress.to_json()))) == progress


def test_each_record_has_an_anchor_of_its_own() -> None:
    for result in (*STATES.values(), thousand()):
        anchors = [record_anchor(each) for each in result.records]
        assert len(set(anchors)) == len(anchors)


@given(TEXT, TEXT)
def test_anchors_are_plain_and_tell_names_apart(one: str, other: str) -> None:
    assert set(slug(one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert (slug(one) == slug(other)) == (one == other)
    assert record_anchor(record(one, 4096)) != record_anchor(record(one, 4096, role=Role.BASE))
