"""report.html: one file that opens by double-click from a share, without a network."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

VIEWER = "vendor/model-viewer.min.js"  # npm @google/model-viewer, fetched by `make setup`
LARGEST = 12_000_000  # bytes of the page
NO_VIEWER = (
    "To turn the model yourself, open model.glb. (model-viewer was not installed where this was"
    " made: run inbox3d viewer there.)"
)


class Page(NamedTuple):
    """What the page says; every text is plain, every section (title, ready HTML)."""

    title: str
    lead: str
    numbers: dict[str, str]
    warnings: list[str]
    sections: list[tuple[str, str]]
    pairs: list[tuple[str, str]]
    footer: str


def render(page: Page, model: Path | None, poster: Path, turntable: Path) -> str:
    """The page with everything embedded; the turntable takes the model's place where model-viewer
    or MODEL is missing."""
    static = files("pipeline") / "static"
    script = static / VIEWER
    orbit = script.is_file() and model is not None
    view = _orbitable(model, poster) if orbit and model is not None else _moving(turntable)
    pairs = "".join(
        f"<section><h2>{html.escape(title)}</h2>{body}</section>" for title, body in page.pairs
    )
    return Template((static / "report.html").read_text("utf-8")).substitute(
        title=html.escape(page.title),
        lead=html.escape(page.lead),
        style=(static / "report.css").read_text("utf-8"),
        warnings=_warnings(page.warnings),
        viewer=view,
        numbers="".join(
            f"<div><dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd></div>"
            for key, value in page.numbers.items()
        ),
        sections=(f'<div class="pair">{pairs}</div>' if pairs else "")
        + "".join(
            f"<section><h2>{html.escape(title)}</h2>{body}</section>"
            for title, body in page.sections
        ),
        footer=html.escape(page.footer),
        script=_inline(script.read_text("utf-8")) if orbit else "",
    )


def data_url(path: Path) -> str:
    kind = {
        ".png": "image/png",
        ".webp": "image/webp",
        ".jpg": "image/jpeg",
        ".glb": "model/gltf-binary",
    }[path.suffix]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def table(
    rows: Sequence[tuple[str, ...]],
    head: tuple[str, ...] = (),
    numbers: frozenset[int] = frozenset(),
) -> str:
    """An HTML table of ready cells; columns in NUMBERS are set to the right."""

    def line(cells: tuple[str, ...], tag: str) -> str:
        return (
            "<tr>"
            + "".join(
                f"<{tag}{' class=n' if i in numbers else ''}>{cell}</{tag}>"
                for i, cell in enumerate(cells)
            )
            + "</tr>"
        )

    top = f"<thead>{line(head, 'th')}</thead>" if head else ""
    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>{top}<tbody>{body}</tbody></table></div>'


def pictures(shown: list[tuple[str, Path]]) -> str:
    figures = (
        f'<figure><img src="{data_url(path)}"'
        f' alt="{html.escape(words)}"><figcaption>{html.escape(words)}</figcaption></figure>'
        for words, path in shown
    )
    return f'<div class="pictures">{"".join(figures)}</div>'


def _orbitable(model: Path, poster: Path) -> str:
    return (
        f'<div class="view"><model-viewer src="{data_url(model)}" poster="{data_url(poster)}"'
        ' alt="The model; drag to turn it" camera-controls touch-action="pan-y" auto-rotate'
        ' rotation-per-second="14deg" interaction-prompt="none" camera-orbit="35deg 68deg auto"'
        ' shadow-intensity="0.9" shadow-softness="0.9" exposure="1" environment-image="neutral"'
        ' tone-mapping="neutral"></model-viewer><p class="hint">Drag to turn · wheel to zoom · two'
        " fingers to move</p></div>"
    )


def _moving(turntable: Path) -> str:
    return (
        f'<div class="view"><img src="{data_url(turntable)}" alt="The model, turning"><p'
        f' class="hint">{html.escape(NO_VIEWER)}</p></div>'
    )


def _warnings(texts: list[str]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f'<section class="warnings"><h2>Please look at this</h2><ul>{items}</ul></section>'


def _inline(script: str) -> str:
    # the only sequence that would end the element early
    return '<script type="module">' + script.replace("</script", "<\\/script") + "</script>"
