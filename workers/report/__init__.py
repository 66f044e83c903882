"""Every word that a user of pagewarden reads about a check: pure functions from a report to text."""

from workers.report.context import Annotation, CheckOutput, Context

__all__ = ["Annotation", "CheckOutput", "Context"]
