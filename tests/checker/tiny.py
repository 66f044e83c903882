"""An allocator of a few lines, for tests that evaluate many trees."""

from __future__ import annotations

import yaml

from checker.profile import Profile
from checker.tree import Tree
from tests.checker.trees import memory_tree

HEADER = """\
#pragma once
typedef unsigned char tiny_count;
#define TINY_LARGEST_COUNT static_cast<tiny_count>(-1)
#if TINY_HAS_LARGE_PAGES
#define TINY_PAGE_SHIFT {page_shift} /* 1 << 14 bytes */
#else
#define TINY_PAGE_SHIFT 12
#endif
#define TINY_PAGE (1u << TINY_PAGE_SHIFT)
#define TINY_ALIGN_SHIFT {align_shift}u
#define TINY_MAX_OBJECTS {max_objects}
namespace tiny {{
constexpr unsigned Ceiling = {ceiling} * 1024;
}}
"""

PROFILE = """
schema: 1
name: tiny
title: A tiny allocator
watch: [src/*.h]
headers: [src/*.h]
include: [src]
targets:
  large:
    title: Large pages
    triple: aarch64-unknown-linux-gnu
    defines: {TINY_HAS_LARGE_PAGES: "1"}
    page_sizes: [4096, 65536]
  small: {title: Small pages, triple: x86_64-unknown-linux-gnu, page_sizes: [4096]}
sections:
  - {name: main, include: [tiny.h]}
constants:
  - {name: TINY_PAGE, macro: true}
  - {name: TINY_PAGE_SHIFT, macro: true, unit: bits}
  - {name: TINY_MAX_OBJECTS, macro: true, unit: count}
  - {name: Ceiling, expression: "tiny::Ceiling"}
limits:
  page: TINY_PAGE
  align: TINY_ALIGN_SHIFT
  max_objects: TINY_MAX_OBJECTS
  ceiling: "tiny::Ceiling"
  guard_bytes: {expression: TINY_GUARD, needs: TINY_GUARD}
rules:
  - id: objects-fit
    title: The objects of a page fit the table
    scope: tree
    value: "page >> align"
    limit: max_objects
    expression: "value <= limit"
    must: "<= {limit}"
    one_step: "value * 2"
    decided_by: [page, align]
    limit_decided_by: [max_objects]
    why: The table overflows.
    relied_on_in: src/tiny.c
    advice: Make the table larger.
  - id: ceiling-covers
    title: The ceiling covers the page
    scope: tree
    value: ceiling
    limit: os_page
    expression: "value >= limit"
    must: ">= {limit}"
    decided_by: [ceiling]
    why: It would not start.
    relied_on_in: src/tiny.c
    advice: Raise it.
  - id: table-is-small
    title: The table stays small
    scope: tree
    value: max_objects
    limit: "2 * 4096"
    expression: "value <= limit"
    must: "<= {limit}"
    decided_by: [max_objects]
    severity: warning
    bites: Only where the stack is small.
    why: It is on the stack.
    relied_on_in: src/tiny.c
    advice: Shrink it.
  - id: guard-fits
    title: The guard fits the page
    scope: tree
    value: guard_bytes
    limit: page
    expression: "value < limit"
    must: "< {limit}"
    decided_by: [guard_bytes]
    why: It would overlap.
    relied_on_in: src/tiny.c
    advice: Shrink it.
costs:
  - {id: table, title: The table, scope: tree, value: max_objects / 8, memory: resident}
  - {id: smallest, title: Smallest footprint, scope: tree, value: "page > os_page ? page : os_page", memory: resident}
  - {id: nothing, title: Never there, scope: tree, value: guard_bytes}
"""


def tiny_profile() -> Profile:
    return Profile.model_validate(yaml.safe_load(PROFILE))


def tiny_tree(
    page_shift: object = 14,
    align_shift: int = 4,
    max_objects: object = 1024,
    ceiling: int = 64,
    more: str = "",
    sha: str = "0" * 40,
) -> Tree:
    header = HEADER.format(page_shift=page_shift, align_shift=align_shift, max_objects=max_objects, ceiling=ceiling)
    return memory_tree({"src/tiny.h": (header + more).encode()}, sha=sha)
