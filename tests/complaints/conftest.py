"""The fixtures of the jobs' tests."""

from __future__ import annotations

from tests.workers.conftest import heard, redis, stressing

__all__ = ["heard", "redis", "stressing"]
