"""A finding's numbers in words: how far from the limit, what it was before, what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from checker.report import Finding, Link, Measure
from workers.report.digest import Item, rules
from workers.report.voice import Voice
from workers.report.words import plural

MOST_LINKS = 4
"""How many definitions of a chain are told; the nearest say most."""
ONE_STEP = "Each holds, and would not with one more step of what decides it."
"""What being close means."""


def counted(title: str, items: Sequence[Item]) -> str:
    """`Newly broken: 3 limits in 5 places`: headlines count limits, their sections have an entry for each place."""
    return f"{title}: {plural(len(rules(items)), 'limit')} in {plural(len(items), 'place')}"


def room(measure: Measure) -> str:
    """How far a value is inside its bounds, or outside: `3 left`, `over by 6144`. Empty where it has none."""
    if measure.headroom is None or (measure.headroom >= 0) != measure.holds:
        return ""
    if measure.holds:
        return f"{measure.headroom or 'none'} left"
    side = "over" if measure.value > measure.limit else "short" if measure.value < measure.limit else "off"
    return f"{side} by {-measure.headroom}"


def share(measure: Measure) -> str:
    """`252 of 255, 3 left`, where the room is that up to the limit; else without the limit."""
    left = room(measure)
    numbers = f"{measure.value} of {measure.limit}" if _counts_up_to_limit(measure) else str(measure.value)
    return f"{numbers}, {left}" if left else numbers


def _counts_up_to_limit(measure: Measure) -> bool:
    """Whether the limit is the bound that is nearest, itself allowed or not."""
    up = measure.limit - measure.value
    return measure.headroom is not None and up - 1 <= measure.headroom <= up


def excess(finding: Finding) -> str:
    """For a failure, by how much: `, over by 6144`."""
    broken = finding.head is not None and not finding.head.holds
    by = room(finding.head) if finding.head is not None and broken else ""
    return f", {by}" if by else ""


def before(finding: Finding) -> str:
    """What the cell was at base, where it was another: ` (before: 65)`."""
    base, head = finding.base, finding.head
    if base is None or head is None or (base.value, base.limit) == (head.value, head.limit):
        return ""
    limit = f", limit {base.limit}" if base.limit != head.limit else ""
    return f" (before: {base.value}{limit})"


def made_of(chain: Sequence[Link], voice: Voice) -> str:
    """`PAS_MAX_OBJECTS_PER_PAGE = 2048 (pas_internal_config.h:129); …`, the nearest definitions first."""
    return "; ".join(parts(chain, voice))


def parts(chain: Sequence[Link], voice: Voice) -> list[str]:
    """The definitions of a chain, one by one; beyond `MOST_LINKS` they are counted."""
    links = [link_in_words(link, voice) for link in chain[:MOST_LINKS]]
    rest = len(chain) - MOST_LINKS
    return [*links, *([f"and {plural(rest, 'more definition')}"] if rest > 0 else [])]


def link_in_words(link: Link, voice: Voice) -> str:
    """One definition: name, value where it has one, place."""
    value = f" = {link.value}" if link.value is not None else ""
    return f"{voice.name(link.name)}{value} ({voice.near(link.path, link.line)})"
