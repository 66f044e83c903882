"""The committed JSON schemas equal the models, and what is written fits them."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
import yaml

from checker.report import Report
from checker.schemas import directory, schemas, to_text
from tests.checker.conftest import Checked


@pytest.mark.parametrize("name", sorted(schemas()))
def test_committed_schemas_equal_the_models(name: str) -> None:
    assert (directory() / name).read_text() == to_text(schemas()[name]), "run `make schemas` and commit the result"


@pytest.mark.parametrize("pair", ["AB", "BC", "AD", "AA"])
def test_a_report_fits_its_schema_and_survives_the_way_there_and_back(checked: Checked, pair: str) -> None:
    report = checked(*pair)
    text = report.to_json()
    jsonschema_rs.validate(json.loads((directory() / "report.json").read_text()), json.loads(text))
    assert Report.from_json(text) == report


def test_the_bundled_profile_fits_its_schema() -> None:
    profile = yaml.safe_load((directory().parent / "profiles" / "libpas.yml").read_text())
    jsonschema_rs.validate(json.loads((directory() / "profile.json").read_text()), profile)
