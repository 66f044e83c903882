"""The filter, run through a small interpreter of classic BPF, for machines that this one isn't too."""

from __future__ import annotations

import errno
import struct

import pytest

from workers.sandbox import SandboxError
from workers.sandbox.seccomp import seccomp_program

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NOT_THERE, _FORBIDDEN = 0x50000 | errno.ENOSYS, 0x50000 | errno.EPERM
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def _answer(machine: str, number: int, argument: int = 0, audit: int | None = None) -> int:
    data = struct.pack("<IIQQ", number, _AUDIT[machine] if audit is None else audit, 0, argument)
    program: list[tuple[int, int, int, int]] = list(struct.iter_unpack("<HBBI", seccomp_program(machine)))
    at = accumulator = 0
    while True:
        code, yes, no, value = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x15:
                at += yes if accumulator == value else no
            case 0x35:
                at += yes if accumulator >= value else no
            case 0x45:
                at += yes if accumulator & value else no
            case 0x06:
                return value
            case _:
                raise AssertionError(hex(code))


@pytest.mark.parametrize(
    ("machine", "denied"),
    [
        ("x86_64", [29, 68, 248, 249, 250, 272, 298, 308, 319, 321, 323, 425, 435, 447]),
        ("aarch64", [97, 186, 194, 217, 218, 219, 241, 268, 279, 280, 282, 425, 435, 447]),
    ],
)
def test_every_call(machine: str, denied: list[int]) -> None:
    answers = {number: _answer(machine, number) for number in range(500)}
    assert [number for number, answer in answers.items() if answer == _NOT_THERE] == denied
    assert {answer for number, answer in answers.items() if number not in denied} == {_ALLOW}


@pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
def test_clone_into_a_user_namespace(machine: str, clone: int) -> None:
    assert _answer(machine, clone, 0x10000000 | 17) == _FORBIDDEN
    assert _answer(machine, clone, 0x3D0F00) == _ALLOW


def test_calls_of_another_machine() -> None:
    assert _answer("x86_64", 0, audit=0x40000003) == _KILL
    assert _answer("aarch64", 0, audit=0x40000028) == _KILL
    assert _answer("x86_64", 0x40000000 | 319) == _NOT_THERE


def test_a_machine_that_is_not_known() -> None:
    with pytest.raises(SandboxError, match="this is riscv64"):
        seccomp_program("riscv64")
