"""What is known of the stress of a run, in Redis: its parts, who works on them, and what they found.

A part is what one process of one host does, see `workers.parts`: the build of libpas, then the machine of each page
size; and the machines of the preview build, once that is there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from redis import Redis

from config.page_sizes import PAGE_SIZES
from workers.parts import OpenRuns, Part, Parts, part_of
from workers.store import KEEP_SECONDS
from workers.stress.processes import page_name

BUILD = "build"
_PREVIEW = "preview-"

_OPEN = "pagewarden:stresses"


def preview_part(page_size: int) -> str:
    """The part that runs the preview build on pages of so many bytes."""
    return f"{_PREVIEW}{page_name(page_size)}"


def is_preview(part: str) -> bool:
    """Whether a part runs the preview build."""
    return part.startswith(_PREVIEW)


def page_size_of(part: str) -> int | None:
    """In bytes; `None` for the build of libpas, which has none."""
    return PAGE_SIZES.get(part.removeprefix(_PREVIEW))


@dataclass(frozen=True)
class Plan:
    """How a run is to be stressed. `page_sizes` in bytes; `machine` as in the settings.

    `libpas`: whether it is built and run. `preview`: where in the preview build the JavaScript engine lies that is run,
    "" for none; `preview_page_sizes` are those that it or its controls are run on.
    """

    page_sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    machine: Literal["vm", "native", "user"]
    libpas: bool = True
    preview: str = ""
    preview_page_sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stress:
    """The stress of one run. `since` in epoch seconds; `over`: nothing more is to come. `attempt` counts from 1, and
    `asked_by` is the login of who asked for it.

    `built`, in epoch seconds: since when the preview build is known to be over, `None` while its parts wait for it;
    `unbuilt`: they ended without a run, as there was none.

    `refused` says why nothing was run at all, see `workers.stress.job.refuse`; `cancelled_by` and `timed_out` why it
    has no result.
    """

    plan: Plan
    since: float
    parts: Mapping[str, Part] = field(default_factory=dict)
    over: bool = False
    built: float | None = None
    unbuilt: bool = False
    refused: str | None = None
    cancelled_by: str | None = None
    timed_out: bool = False
    attempt: int = 1
    asked_by: str = ""

    @property
    def page_sizes(self) -> tuple[int, ...]:
        """In bytes."""
        return self.plan.page_sizes

    @property
    def libpas_parts(self) -> tuple[str, ...]:
        """The build and the machines of libpas."""
        return (BUILD, *map(page_name, self.page_sizes)) if self.plan.libpas else ()

    @property
    def preview_parts(self) -> tuple[str, ...]:
        """The machines of the preview build."""
        return tuple(map(preview_part, self.plan.preview_page_sizes))

    @property
    def names(self) -> tuple[str, ...]:
        """The parts, in the order of work."""
        return self.libpas_parts + self.preview_parts

    def part(self, name: str) -> Part:
        """What is known of a part."""
        return self.parts.get(name, Part())


class StressStore(OpenRuns):
    """`redis` must decode responses."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        super().__init__(redis, _OPEN, clock)
        self._parts = Parts(redis, clock)

    def want(self, run_id: str, plan: Plan, cause: str = "", asked_by: str = "") -> None:
        """Notes that a run is to be stressed, from the beginning; as a new attempt, once for each `cause`."""
        before = _fields(self._redis.hgetall(_key(run_id)))
        causes = json.loads(before.get("causes", "[]"))
        if cause in causes:
            return
        now = self._clock()
        attempt = int(before.get("attempt", 0)) + (1 if cause or "attempt" not in before else 0)
        fields = {
            "since": str(now),
            "plan": json.dumps(asdict(plan)),
            "attempt": str(attempt),
            "asked_by": asked_by,
            "causes": json.dumps([*causes, cause] if cause else causes),
        }
        with self._redis.pipeline() as pipe:
            pipe.delete(_key(run_id), _evidence(run_id))
            pipe.hset(_key(run_id), items=[part for pair in fields.items() for part in pair])
            pipe.expire(_key(run_id), KEEP_SECONDS)
            pipe.zadd(_OPEN, {run_id: now})
            pipe.execute()

    def has_attempt(self, run_id: str, cause: str) -> bool:
        """Whether an attempt was begun for this cause."""
        causes = self._redis.hget(_key(run_id), "causes")
        return causes is not None and cause in json.loads(str(causes))

    def get(self, run_id: str) -> Stress | None:
        """What is known, `None` when the run is not, or no longer, to be stressed."""
        fields = _fields(self._redis.hgetall(_key(run_id)))
        if "plan" not in fields:
            return None
        plan = Plan(**{name: _tupled(value) for name, value in json.loads(fields["plan"]).items()})
        known = Stress(
            replace(plan, libpas=plan.libpas and "no_libpas" not in fields),
            float(fields["since"]),
            over="over" in fields,
            built=float(fields["built"]) if "built" in fields else None,
            unbuilt="unbuilt" in fields,
            refused=fields.get("refused"),
            cancelled_by=fields.get("cancelled_by"),
            timed_out="timed_out" in fields,
            attempt=int(fields["attempt"]),
            asked_by=fields["asked_by"],
        )
        return replace(known, parts={name: part_of(fields, name) for name in known.names})

    def claim(self, run_id: str, part: str, owner: str) -> bool:
        """Takes a part on that nobody works on. False when somebody does, or there is nothing to do."""
        return self._parts.claim(_key(run_id), part, owner)

    def beat(self, run_id: str, part: str, owner: str, progress: str = "") -> bool:
        """Shows that `owner` is alive, and how far he is. False when he is to stop: it is not his any more."""
        return self._parts.beat(_key(run_id), part, owner, progress)

    def release(self, run_id: str, part: str, owner: str) -> None:
        """Gives a part back that was not begun; that does not count as a start."""
        self._parts.release(_key(run_id), part, owner)

    def finish(
        self, run_id: str, part: str, owner: str, result: str, evidence: Mapping[str, str] | None = None
    ) -> bool:
        """Keeps what a part found. False, and nothing is kept, when it is not his any more."""
        done = self._parts.finish(_key(run_id), part, owner, result)
        if done and evidence:
            for anchor, kept in evidence.items():
                self._redis.hset(_evidence(run_id), anchor, kept)
            self._redis.expire(_evidence(run_id), KEEP_SECONDS)
        return done

    def is_first_look(self, run_id: str) -> bool:
        """Whether nobody has looked at a run before to begin with it."""
        return bool(self._redis.hsetnx(_key(run_id), "looked", "1"))

    def follow(self, run_id: str, part: str) -> bool:
        """Whether nobody has seen before to what follows from the end of a part."""
        return bool(self._redis.hsetnx(_key(run_id), f"followed:{part}", "1"))

    def give_up(self, run_id: str, part: str, result: str) -> None:
        """Ends a part that nobody could end."""
        self._redis.hset(_key(run_id), f"result:{part}", result)

    def leave_libpas_out(self, run_id: str) -> None:
        """There is none: the preview build is all that is run."""
        self._redis.hset(_key(run_id), "no_libpas", "1")

    def preview_is_over(self, run_id: str) -> None:
        """The preview build is over, be it good or not: its parts wait no more."""
        self._redis.hsetnx(_key(run_id), "built", str(self._clock()))

    def await_preview(self, run_id: str) -> None:
        """It is built again: parts that have not begun wait."""
        self._redis.hdel(_key(run_id), "built")

    def end_unbuilt(self, run_id: str, part: str, result: str) -> None:
        """Ends a part that ran nothing, as there is no preview build."""
        self._redis.hset(_key(run_id), items=["unbuilt", "1", f"result:{part}", result])

    def reopen(self, run_id: str, parts: Sequence[str]) -> None:
        """Takes back that these parts ended, and so the whole; what others have found stays."""
        fields = [f"{field}:{part}" for part in parts for field in ("result", "followed", "starts", "owner", "beat")]
        with self._redis.pipeline() as pipe:
            pipe.hdel(_key(run_id), "over", "unbuilt", "built", *fields)
            pipe.zadd(_OPEN, {run_id: self._clock()})
            pipe.execute()

    def refuse(self, run_id: str, reason: str) -> None:
        """Nothing is run, for this reason."""
        self._redis.hset(_key(run_id), "refused", reason)
        self.end(run_id)

    def cancel(self, run_id: str, by: str) -> None:
        """A person ends it."""
        self._redis.hset(_key(run_id), "cancelled_by", by)
        self.end(run_id)

    def time_out(self, run_id: str) -> None:
        """It took too long."""
        self._redis.hset(_key(run_id), "timed_out", "1")
        self.end(run_id)

    def end(self, run_id: str) -> None:
        """Nothing more is to come; who still works stops at the next beat of his heart."""
        with self._redis.pipeline() as pipe:
            pipe.hset(_key(run_id), "over", "1")
            pipe.zrem(_OPEN, run_id)
            pipe.execute()

    def forget(self, run_id: str) -> None:
        """As if the run had never been to be stressed; who still works stops."""
        with self._redis.pipeline() as pipe:
            pipe.delete(_key(run_id), _evidence(run_id))
            pipe.zrem(_OPEN, run_id)
            pipe.execute()

    def keep_page(self, key: str, run_id: str) -> None:
        """Notes which run the page of that name is about."""
        self._redis.set(_page(key), run_id, ex=KEEP_SECONDS)

    def run_of_page(self, key: str) -> str | None:
        """The run that a page is about, `None` where there is no such page (any more)."""
        run_id = self._redis.get(_page(key))
        return str(run_id) if run_id is not None else None

    def evidence(self, run_id: str) -> dict[str, str]:
        """All that was kept, JSON by the record's anchor."""
        answer = self._redis.hgetall(_evidence(run_id))
        assert isinstance(answer, dict)
        return {str(name): str(value) for name, value in answer.items()}


def _fields(answer: object) -> dict[str, str]:
    assert isinstance(answer, dict)
    return {str(name): str(value) for name, value in answer.items()}


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _key(run_id: str) -> str:
    return f"pagewarden:stress:{run_id}"


def _evidence(run_id: str) -> str:
    return f"pagewarden:stress-evidence:{run_id}"


def _page(key: str) -> str:
    return f"pagewarden:page:{key}"
