"""What the driver's output says."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.libpas_driver.run import Ending, Outcome, outcome_of
from workers.stress.libpas.crashes import Place

TRAPPED = """\
phase jit-medium-bitfit
253 objects made and shrunk
254 objects made and shrunk
signal 5 pc 0x457110 address 0x457110
frame 0x457980
frame 0x41e1c0
"""


def ended(output: str, stopped: Ending | None = None, places: Sequence[Place] = ()) -> Outcome:
    """The outcome of a phase with this output."""
    return outcome_of("phase", 4096, output, stopped, lambda _addresses: places)


def test_ok_is_the_last_word() -> None:
    assert ended("phase utility\nmade 20000 objects\nok 0123456789abcdef\n").ending is Ending.OK
    assert ended("phase utility\nok 0123456789abcdef\nmade 20000 objects\n").ending is Ending.OTHER


def test_a_trap_tells_where_and_after_what() -> None:
    asked: list[int] = []

    def places(addresses: Sequence[int]) -> list[Place]:
        asked.extend(addresses)
        return [
            Place("pas_assertion_failed", "pas_utils.h", 270),
            Place("pas_assertion_failed_noreturn_silencer", "pas_utils.h", 283),
            Place("commit_granules", "pas_bitfit_page_inlines.h", 193),
            Place("allocate", "pas_bitfit_allocator_inlines.h", 151),
        ]

    outcome = outcome_of("jit-medium-bitfit", 4096, TRAPPED, None, places)
    assert asked == [0x457110, 0x457980 - 4, 0x41E1C0 - 4]
    assert (outcome.ending, outcome.signal) == (Ending.TRAP, "SIGTRAP")
    assert outcome.place == Place("commit_granules", "pas_bitfit_page_inlines.h", 193)
    assert outcome.said == "254 objects made and shrunk"


def test_a_function_split_off_around_its_assertion_is_not_taken_for_the_assertion() -> None:
    places = [
        Place("deallocate", "pas_utils.h", 270),
        Place("pas_assertion_failed_noreturn_silencer", "pas_utils.h", 283),
        Place("page_and_kind", "pas_get_page_base.h", 43),
    ]
    assert ended(TRAPPED, places=places).place == places[2]


def test_an_end_without_a_trap_is_told_by_its_words() -> None:
    assert ended("wrong contents: byte 3 of 16 bytes\n").ending is Ending.WRONG_CONTENTS
    assert ended("no memory: 16 bytes from the jit heap\n").ending is Ending.NO_MEMORY
    assert ended("").ending is Ending.OTHER
    assert ended("made 10 objects", Ending.HANG).ending is Ending.HANG
