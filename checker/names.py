"""What the names in a profile's expressions are worth in one evaluated tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from checker.entries import ENABLED_NAME, HeapConfig, Rated, Target
from checker.evaluation import Evaluation
from checker.probe import ENABLED, Wanted
from checker.profile import Profile


@dataclass(frozen=True)
class Subject:
    """One thing that a rule or a cost speaks of: a heap config or the whole tree, on one OS page size if that matters.

    `absent` tells, for names that this tree has no value for and need not have, why. `reason` says why the subject is
    out of question, if it is.
    """

    heap: str | None
    os_page: int | None
    names: Mapping[str, int]
    absent: Mapping[str, str]
    reason: str | None


def human_size(size: int) -> str:
    """A size in bytes as people write page sizes: "64K"."""
    return f"{size // 1024}K" if size >= 1024 and size % 1024 == 0 else str(size)


@dataclass(frozen=True)
class Names:
    """The names of one tree on one target."""

    profile: Profile
    target: Target
    evaluation: Evaluation

    def subjects(self, rated: Rated, page_sizes: Sequence[int]) -> Iterator[Subject]:
        """Everything that `rated` speaks of, in the profile's order, for OS page sizes in bytes."""
        pages: Sequence[int | None] = page_sizes if rated.per_page else (None,)
        for heap in self._heaps(rated):
            about = self._about[heap.name if heap else None]
            for page in pages:
                reason = about.reason or self._not_run_on(page)
                names = {**about.names, "os_page": page} if page is not None else about.names
                yield Subject(about.heap, page, names, about.absent, reason)

    @cached_property
    def _about(self) -> Mapping[str | None, Subject]:
        """Each heap config, and the whole tree, apart from any page size."""
        tree = Subject(None, None, self._common, self._absent, None)
        return {None: tree, **{heap.name: self._about_heap(heap) for heap in self.profile.heaps}}

    def _about_heap(self, heap: HeapConfig) -> Subject:
        kinds = {f"is_{kind.replace('-', '_')}": int(kind == heap.kind) for kind in self.profile.heap_fields}
        names = {**self._common, **kinds, **self._fields(heap)}
        reason = None if self._is_enabled(heap) else "the tree does not use this config"
        return Subject(heap.name, None, names, {**self._absent, **self._absent_of(heap)}, reason)

    def _heaps(self, rated: Rated) -> Sequence[HeapConfig | None]:
        if rated.scope == "tree":
            return (None,)
        return [heap for heap in self.profile.heaps if not rated.heaps or heap.name in rated.heaps]

    def _not_run_on(self, page: int | None) -> str | None:
        if page is None or page in self.target.page_sizes:
            return None
        return f"{self.target.title} does not run on {human_size(page)} pages"

    def _is_enabled(self, heap: HeapConfig) -> bool:
        return self.evaluation.value(Wanted("heap", heap.name, ENABLED)) != 0

    @cached_property
    def _common(self) -> dict[str, int]:
        """Named limits, and the fields of every heap config by their full names."""
        limits = ((name, self.evaluation.value(Wanted("limit", name))) for name in self.profile.limits)
        names = {name: value for name, value in limits if value is not None}
        for heap in self.profile.heaps:
            names |= {f"{heap.name}.{field}": value for field, value in self._fields(heap).items()}
            names[f"{heap.name}.{ENABLED_NAME}"] = int(self._is_enabled(heap))
        return names

    def _fields(self, heap: HeapConfig) -> dict[str, int]:
        fields = ((field, self.evaluation.value(Wanted("heap", heap.name, field))) for field in self._asked(heap))
        return {field: value for field, value in fields if value is not None}

    def _asked(self, heap: HeapConfig) -> Sequence[str]:
        return tuple(self.profile.heap_fields[heap.kind])

    @cached_property
    def _absent(self) -> dict[str, str]:
        names = {
            name: without(asked.needs)
            for name, asked in self.profile.limits.items()
            if Wanted("limit", name) in self.evaluation.absent
        }
        for heap in self.profile.heaps:
            names |= {f"{heap.name}.{field}": reason for field, reason in self._absent_of(heap).items()}
        return names

    def _absent_of(self, heap: HeapConfig) -> dict[str, str]:
        return {
            field: without(asked.needs)
            for field, asked in self.profile.heap_fields[heap.kind].items()
            if Wanted("heap", heap.name, field) in self.evaluation.absent
        }


def without(word: str | None) -> str:
    """Why a value is absent and need not be there."""
    return f"this tree has no {word}"
