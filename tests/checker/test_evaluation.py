"""Which errors take which values away, judged without a compiler; and the cache, with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.cache import EvaluationCache
from checker.clang import Answer, Diagnostic, Killed, MacroDefinition
from checker.evaluation import MAX_FILES, Evaluation, Failure, evaluate, headers, judge, read
from checker.probe import MAIN, ROOT, SLICES, Wanted, build
from checker.profile import Profile
from checker.tree import MAX_BLOB_BYTES
from tests.checker.trees import files_below, memory_tree

PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
MARKED_BLOCK = "Source/JavaScriptCore/heap/MarkedBlock.h"
CONFIG = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"
CONTENT = {PAGE_BLOCK: b"", MARKED_BLOCK: b"", CONFIG: b""}

CEILING = Wanted("constant", "CeilingOnPageSize")
BLOCK_SIZE = Wanted("constant", "MarkedBlock::blockSize")
SMALL_PAGE = Wanted("constant", "PAS_SMALL_PAGE_DEFAULT_SIZE")
OPCODE = Wanted("constant", "OpcodeConfigSizeToProtect")
GRANULE = Wanted("heap", "jit_medium_bitfit", "granule_size")
UTILITY = Wanted("heap", "utility", "page_size")


class Case:
    """An answer in which every value is there, with some diagnostics."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.probe = build(profile, CONTENT, "n")
        self.variable = {wanted: variable for variable, wanted in self.probe.variables.items()}
        self.line = {variable: line for line, variables in self.probe.lines.items() for variable in variables[:1]}
        includes = {section: line for line, section in reversed(list(self.probe.section_of_line.items()))}
        self.inclusions = {
            f"{ROOT}/{CONFIG}": includes[0],
            f"{ROOT}/Source/WTF/wtf/Platform.h": includes[1],
            f"{SLICES}/{PAGE_BLOCK}": includes[1],
            f"{SLICES}/{MARKED_BLOCK}": includes[1],
        }
        self.references = {
            self.variable[CEILING]: ((f"{SLICES}/{PAGE_BLOCK}", 55, 55),),
            self.variable[BLOCK_SIZE]: ((f"{SLICES}/{MARKED_BLOCK}", 79, 80), (f"{SLICES}/{MARKED_BLOCK}", 70, 72)),
        }

    def judge(self, *diagnostics: Diagnostic, without: tuple[Wanted, ...] = ()) -> Evaluation:
        values = {variable: 16384 for variable, wanted in self.probe.variables.items() if wanted not in without}
        macros = {"PAS_SMALL_PAGE_DEFAULT_SIZE": MacroDefinition(f"{ROOT}/{CONFIG}", 39, 39, "x", ("x",), False, None)}
        answer = Answer(values, self.references, macros, frozenset(), self.inclusions, diagnostics)
        return judge(answer, self.probe, self.profile, CONTENT)


@pytest.fixture
def case(libpas: Profile) -> Case:
    return Case(libpas)


def error(path: str | None, line: int, category: str = "Semantic Issue", severity: int = 3) -> Diagnostic:
    return Diagnostic(severity, category, path, line, "went wrong")


def test_without_errors_every_value_stands(case: Case) -> None:
    judged = case.judge()
    assert not judged.failures
    assert judged.values[CEILING] == 16384


def test_an_error_on_a_probes_own_line_takes_that_value_alone(case: Case) -> None:
    judged = case.judge(error(MAIN, case.line[case.variable[SMALL_PAGE]]))
    assert judged.failures == {SMALL_PAGE: Failure("went wrong", CONFIG, 39)}


def test_a_failure_is_told_at_the_constant_that_clang_s_notes_lead_to(case: Case) -> None:
    """Also where a config comes to it by a pasted name, which no definition mentions."""
    line = next(line for line, text in enumerate(case.probe.text.splitlines(), 1) if "= JIT_HEAP_CONFIG;" in text)
    notes = ((f"{ROOT}/elsewhere.h", 3), (f"{ROOT}/{CONFIG}", 39), ("<scratch space>", 1))
    judged = case.judge(
        Diagnostic(3, "Parse Issue", MAIN, line, "in a config", notes),
        error(MAIN, case.line[case.variable[SMALL_PAGE]]),
    )
    assert judged.failures[GRANULE] == judged.failures[SMALL_PAGE] == Failure("went wrong", CONFIG, 39)


def test_an_error_in_a_config_object_takes_its_heaps(case: Case) -> None:
    line = next(line for line, text in enumerate(case.probe.text.splitlines(), 1) if "= JIT_HEAP_CONFIG;" in text)
    failed = set(case.judge(error(MAIN, line)).failures)
    assert GRANULE in failed
    assert UTILITY not in failed
    assert {wanted.name.partition("_")[0] for wanted in failed} == {"jit"}


def test_an_error_in_a_header_takes_its_section_and_all_after(case: Case) -> None:
    failed = set(case.judge(error(f"{ROOT}/{CONFIG}", 7)).failures)
    assert {CEILING, BLOCK_SIZE, SMALL_PAGE, GRANULE} <= failed
    failed = set(case.judge(error(f"{ROOT}/Source/WTF/wtf/Platform.h", 7)).failures)
    assert {CEILING, BLOCK_SIZE} <= failed
    assert not {SMALL_PAGE, GRANULE} & failed


@pytest.mark.parametrize(
    ("line", "failed"),
    [(73, set()), (72, {BLOCK_SIZE}), (78, set()), (79, {BLOCK_SIZE}), (80, {BLOCK_SIZE}), (81, set())],
)
def test_an_error_in_a_slice_takes_what_is_made_of_the_declaration_it_stands_in(
    case: Case, line: int, failed: set[Wanted]
) -> None:
    assert set(case.judge(error(f"{SLICES}/{MARKED_BLOCK}", line)).failures) == failed


@pytest.mark.parametrize("category", ["Lexical or Preprocessor Issue", "User-Defined Issue", "Something New", ""])
def test_what_could_hide_a_declaration_takes_the_section(case: Case, category: str) -> None:
    failed = set(case.judge(error(f"{SLICES}/{MARKED_BLOCK}", 3, category)).failures)
    assert {CEILING, BLOCK_SIZE} <= failed
    assert SMALL_PAGE not in failed


@pytest.mark.parametrize("path", [None, MAIN, f"{SLICES}/{MARKED_BLOCK}", f"{ROOT}/{CONFIG}", "/elsewhere.h"])
def test_a_fatal_error_takes_everything(case: Case, path: str | None) -> None:
    assert not case.judge(error(path, 3, severity=4)).values


def test_an_error_from_nowhere_takes_everything(case: Case) -> None:
    assert not case.judge(error(None, 0)).values
    assert not case.judge(error("/unknown.h", 1)).values


def test_a_value_that_is_not_there_is_a_failure(case: Case) -> None:
    judged = case.judge(without=(SMALL_PAGE, GRANULE, CEILING))
    assert judged.failures[SMALL_PAGE].path == CONFIG
    assert judged.failures[GRANULE].message == "JIT_HEAP_CONFIG is not defined or no integer constant"
    assert CEILING in judged.failures


def test_an_optional_constant_may_be_absent(case: Case) -> None:
    missing = error(MAIN, case.line[case.variable[OPCODE]])
    assert case.judge(missing, without=(OPCODE,)).absent == {OPCODE}


def test_an_optional_constant_that_is_mentioned_is_not_absent(libpas: Profile) -> None:
    case = Case(libpas)
    missing = error(MAIN, case.line[case.variable[OPCODE]])
    values = {variable: 1 for variable, wanted in case.probe.variables.items() if wanted != OPCODE}
    answer = Answer(values, {}, {}, frozenset(), case.inclusions, (missing,))
    content = {**CONTENT, MARKED_BLOCK: b"size_t OpcodeConfigSizeToProtect = 3;"}
    assert OPCODE in judge(answer, case.probe, libpas, content).failures


def test_limits_on_what_is_read(libpas: Profile) -> None:
    many = memory_tree({f"Source/bmalloc/bmalloc/{n}.h": b"" for n in range(MAX_FILES + 1)})
    with pytest.raises(Killed, match=f"{MAX_FILES + 1} headers"):
        read(many, headers(many, libpas))
    large = memory_tree({f"Source/bmalloc/bmalloc/{n}.h": b"%d" % n + b"x" * (MAX_BLOB_BYTES - 9) for n in range(40)})
    with pytest.raises(Killed, match="bytes together"):
        read(large, headers(large, libpas))


def test_the_cache_keeps_answers_and_survives_damage(libpas: Profile, webkit_2_50: Path, tmp_path: Path) -> None:
    made: list[int] = []
    tree = memory_tree(files_below(webkit_2_50, libpas))

    def make() -> Evaluation:
        made.append(1)
        return evaluate(tree, libpas, libpas.targets["linux-arm64"])

    first = EvaluationCache(tmp_path).get_or_make(("key",), make)
    assert EvaluationCache(tmp_path).get_or_make(("key",), make) == first
    assert len(made) == 1
    (kept,) = tmp_path.rglob("*.json")
    kept.write_text(kept.read_text()[:100])
    assert EvaluationCache(tmp_path).get_or_make(("key",), make) == first
    assert len(made) == 2
    EvaluationCache(tmp_path).get_or_make(("another",), make)
    assert len(made) == 3


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[]",
        "null",
        "[" * 200_000,
        '{"values": [], "absent": [], "failures": [], "definitions": []}',
        '{"values": [["limit", "max_granules", "", "256"]], "absent": [], "failures": [], "definitions": {}}',
        '{"values": [["limit"]], "absent": [], "failures": [], "definitions": {}}',
    ],
)
def test_a_file_that_is_no_evaluation_counts_as_not_there(tmp_path: Path, kept: str) -> None:
    made = Evaluation({UTILITY: 1}, frozenset(), {}, {})
    EvaluationCache(tmp_path).get_or_make(("key",), lambda: made)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(kept)
    assert EvaluationCache(tmp_path).get_or_make(("key",), lambda: made) is made


def test_an_evaluation_without_an_answer_is_not_kept(tmp_path: Path) -> None:
    stopped = Evaluation({}, frozenset(), {}, {}, stopped=Failure("too slow"))
    assert EvaluationCache(tmp_path).get_or_make(("key",), lambda: stopped) is stopped
    assert not list(tmp_path.rglob("*.json"))
