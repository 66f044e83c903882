"""What the output of buildx tells of a build that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from workers.build import docker_log
from workers.build.docker_log import failure
from workers.build.driver import State

TRANSCRIPTS = Path(__file__).parent / "docker_transcripts"


def transcript(name: str) -> bytes:
    return (TRANSCRIPTS / f"{name}.txt").read_bytes()


def test_a_step_that_fails_is_named_with_what_it_told() -> None:
    error = failure(1, transcript("failed_step"))
    assert (error.state, str(error), error.log) == snapshot(
        (
            State.FAILED,
            'docker: [build 2/3] RUN make -C /src failed: process "/bin/sh -c make -C /src" did not complete '
            "successfully: exit code: 2",
            """\
aarch64-linux-gnu-gcc -O2 -c pas_utils.c
pas_utils.c:12:10: fatal error: pas_config.h: No such file or directory
compilation terminated.
make: *** [Makefile:3: pas_utils.o] Error 1
ERROR: process "/bin/sh -c make -C /src" did not complete successfully: exit code: 2""",
        )
    )


def test_a_step_whose_name_is_no_more_in_the_log_is_still_told() -> None:
    output = b"#6 0.402 compilation terminated.\n" + transcript("failed_step").partition(b"#6 0.410")[2]
    error = failure(1, b"#6 0.410" + output)
    assert str(error).startswith("docker: a step failed: process")


@pytest.mark.parametrize(
    ("name", "status", "state", "reason"),
    [
        ("unknown_instruction", 1, State.FAILED, "docker: dockerfile parse error on line 3: unknown instruction: MAKE"),
        (
            *("unknown_flag", 1, State.FAILED),
            "docker: dockerfile parse error on line 2: unknown flag: --Cannot-connect-to-the-Docker-daemon",
        ),
        ("no_engine", 1, None, docker_log.NO_ENGINE),
        ("no_boot", 1, None, docker_log.NO_ENGINE),
        ("no_builder", 1, None, docker_log.NO_BUILDER),
        ("no_cache_export", 1, None, docker_log.NO_CACHE),
        ("too_old", 125, None, docker_log.TOO_OLD),
        ("canceled", 130, None, "docker was interrupted where pagewarden builds"),
        ("built", -9, None, "docker was interrupted where pagewarden builds"),
    ],
)
def test_what_is_not_a_failed_step_is_told_from_it(name: str, status: int, state: State | None, reason: str) -> None:
    error = failure(status, transcript(name))
    assert (error.state, str(error)) == (state, reason)
