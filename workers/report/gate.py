"""The check where a repository's settings say that it waits for the stress of the change."""

from __future__ import annotations

from dataclasses import replace

from workers.report.context import CheckOutput, Context, Gate
from workers.report.markdown import joined, voice_for
from workers.report.sections import section
from workers.report.sentences import LONGEST_TITLE
from workers.report.voice import retry
from workers.report.words import code, cut, plain

STRESS_CHECK = "pagewarden / stress"


def gated(output: CheckOutput, gate: Gate, context: Context) -> CheckOutput:
    """A success waits for the stress and shares its fate; anything else stays what it is, and tells of it."""
    story, stress = [output.summary.strip()], section("Stress", [_sentence(gate, context)])
    if output.conclusion != "success" or gate is Gate.PASSED:
        return replace(output, summary=joined([story, stress]))
    told = replace(output, summary=joined([stress, section("Static check", story)]))
    title = plain(output.title)
    match gate:
        case Gate.WAITING:
            return replace(told, conclusion=None, title="Limits hold; waiting for stress")
        case Gate.APPROVAL:
            return replace(told, conclusion="action_required", title=_wanted(context))
        case Gate.FAILED:
            return replace(told, conclusion="failure", title=cut(f"Stress failed. {title}", LONGEST_TITLE))
        case Gate.UNSURE:
            again = ": /stress repeats it" if context.number is not None else ""
            unsure = cut(f"Stress came to no verdict{again}. {title}", LONGEST_TITLE)
            return replace(told, conclusion="failure", title=unsure)


def _wanted(context: Context) -> str:
    return f"Waiting for /ok-to-test {plain(context.head_sha)} by someone with write access"


def _sentence(gate: Gate, context: Context) -> str:
    check = code(STRESS_CHECK)
    match gate:
        case Gate.WAITING:
            return f"This repository's settings have this check wait for {check}, which is not over yet."
        case Gate.APPROVAL:
            command = code(f"/ok-to-test {context.head_sha}")
            return (
                f"This repository's settings have this check wait for {check}, and that one for someone with write "
                f"access to comment {command}. A push needs another approval."
            )
        case Gate.FAILED:
            return f"{check} failed, and this repository's settings have this check fail with it."
        case Gate.UNSURE:
            return (
                f"{check} came to no verdict, and what nobody saw does not count as a pass. "
                f"{retry(voice_for(context), 'stressed', '/stress')}."
            )
        case Gate.PASSED:
            return f"{check} passed, too; this repository's settings have this check wait for it."
