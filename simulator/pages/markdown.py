"""Markdown as GitHub shows it, as far as comments and checks use it, and safe whatever is in it.

The HTML that comes out of the renderer is taken apart and only known tags, without attributes but a few, are put
together again, balanced; everything else is text. So it does not matter where a tag came from.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

VOID = frozenset({"br", "hr"})
ALLOWED = VOID | {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "blockquote", "pre", "details", "summary"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"),
    *("a", "b", "strong", "i", "em", "s", "del", "ins", "sub", "sup", "code", "kbd", "samp"),
}
LINK = re.compile(r"(https?://|#|/(?!/))", re.IGNORECASE)
KNOWN_CLASS = re.compile(r"language-[\w+-]+|alert alert-(note|tip|important|warning|caution)")
ALIGNMENT = re.compile(r"text-align:(left|center|right)")
ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*$", re.IGNORECASE)
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def render(text: str | None, replaced: str | None = None) -> Markup:
    """`text` as HTML that is safe to show. `replaced` is the line that suggestions in it would replace."""
    tokens = _MARKDOWN.parse(text or "")
    _mark_alerts(tokens)
    if replaced is not None:
        _mark_suggestions(tokens, replaced)
    sanitizer = _Sanitizer()
    sanitizer.feed(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    sanitizer.close()
    return Markup(sanitizer.result())  # noqa: S704  # made of known tags and escaped text only


def _mark_alerts(tokens: Sequence[Token]) -> None:
    """Quotes that start with a line like `[!WARNING]` get its class, and the line its word."""
    for quote, _, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if quote.type != "blockquote_open" or inline.type != "inline" or not inline.children:
            continue
        first = inline.children[0]
        if match := ALERT.match(first.content):
            quote.attrSet("class", f"alert alert-{match[1].lower()}")
            first.content = match[1].capitalize()


def _mark_suggestions(tokens: Sequence[Token], replaced: str) -> None:
    """Turns each suggestion into a small diff."""
    for token in tokens:
        if token.type == "fence" and token.info.strip() == "suggestion":
            lines = token.content.removesuffix("\n").split("\n") if token.content else []
            added = "".join(f"<ins>+ {html.escape(line)}</ins>" for line in lines)
            token.type = "html_block"
            token.content = f'<pre class="language-suggestion"><del>- {html.escape(replaced)}</del>{added}</pre>'


class _Sanitizer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self._pieces.append(html.escape(self.get_starttag_text() or f"<{tag}>"))
            return
        self._pieces.append(f"<{tag}{_attributes(tag, attrs)}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in ALLOWED - VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ALLOWED:
            self._pieces.append(html.escape(f"</{tag}>"))
        elif tag in self._open:
            while (top := self._open.pop()) != tag:
                self._pieces.append(f"</{top}>")
            self._pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._pieces.append(html.escape(data))

    def result(self) -> str:
        """All that was fed, with every tag closed."""
        return "".join(self._pieces) + "".join(f"</{tag}>" for tag in reversed(self._open))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    given = {name: value or "" for name, value in attrs}
    kept: dict[str, str] = {}
    if tag == "a" and LINK.match(given.get("href", "")):
        kept = {"href": given["href"], "rel": "nofollow noreferrer"}
    if tag == "ol" and given.get("start", "").isdigit():
        kept["start"] = given["start"]
    if KNOWN_CLASS.fullmatch(given.get("class", "")):
        kept["class"] = given["class"]
    if alignment := ALIGNMENT.search(given.get("style", "") or f"text-align:{given.get('align', '')}"):
        kept["class"] = f"align-{alignment[1]}"
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())
    return written + (" open" if tag == "details" and "open" in given else "")
