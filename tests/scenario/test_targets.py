from __future__ import annotations

from pathlib import Path

import pytest

from checker.check import check
from checker.profile import load_profile
from checker.report import Report
from workers.git import local_tree
from workers.scenario import make_scenario


@pytest.fixture(scope="module", params=["webkit_2_50", "webkit_2_42"])
def whole_change(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A against D on one version, on all targets."""
    root: Path = request.getfixturevalue(request.param)
    made = make_scenario(tmp_path_factory.mktemp(request.param) / "repository", source=root)
    profile = load_profile("libpas")
    base, head = (local_tree(made.path, made.shas[name], profile) for name in "AD")
    return check(base, head, profile)


def test_only_linux_on_arm_changes(whole_change: Report) -> None:
    changed = {
        target.target: {constant.name for constant in target.constants if constant.changed}
        for target in whole_change.targets
    }
    assert not whole_change.errors
    assert changed.pop("linux-arm64") >= {"CeilingOnPageSize", "PAS_MAX_OBJECTS_PER_PAGE"}
    assert len(changed) == 7
    assert not any(changed.values())


def test_the_wtf_numbers_follow_the_ceiling(whole_change: Report) -> None:
    (arm,) = (target for target in whole_change.targets if target.target == "linux-arm64")
    seen = {constant.name: (constant.base, constant.head) for constant in arm.constants}
    for name in ("CeilingOnPageSize", "ConfigSizeToProtect", "MarkedBlock::blockSize"):
        assert seen[name] == (16384, 65536)
    assert seen["BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K"] == (None, 1)
