"""report.html: one file that opens by double-click from a share, without a network."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from pipeline.stages.finish._modules import THREE, called, inlined

VENDOR = "vendor"  # what the viewer is built on: npm three and three-mesh-bvh
VIEWER = "viewer"  # its own modules
ONE_LINE = 32  # letters up to which a name in a table is not broken
LARGEST = 12_000_000  # bytes of the page
NO_VIEWER = (
    "To turn the model yourself, open model.glb. (The model viewer was not installed where this was"
    " made: run inbox3d viewer there.)"
)
TOO_LARGE = "To turn the model yourself, open model.glb: it is too large for this page."


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
    """The page with everything embedded; the turntable takes the model's place where the viewer or
    MODEL (inspect.glb) is missing."""
    static = Path(str(files("pipeline"))) / "static"
    modules = _viewer(static)
    if modules and model is not None:
        view, script = _shown(poster), _started(modules, model)
        style = _text(static, f"{VIEWER}/viewer.css")
    else:
        view, script, style = _moving(turntable, TOO_LARGE if modules else NO_VIEWER), "", ""
    pairs = "".join(
        f"<section><h2>{html.escape(title)}</h2>{body}</section>" for title, body in page.pairs
    )
    return Template(_text(static, "report.html")).substitute(
        title=html.escape(page.title),
        lead=html.escape(page.lead),
        style=_text(static, "report.css") + style,
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
        script=script,
    )


def _text(static: Path, name: str) -> str:
    return (static / name).read_text("utf-8")


def _viewer(static: Path) -> list[Path]:
    """The viewer's modules, its own and what they are built on; none where that was not fetched."""
    built_on = sorted((static / VENDOR).glob("*.js")) if (static / VENDOR).is_dir() else []
    if THREE not in [path.name for path in built_on]:
        return []
    return [*built_on, *sorted((static / VIEWER).glob("*.js"))]


def _started(modules: list[Path], model: Path) -> str:
    """The scripts: import map, the model as text, and what brings them together."""
    packed = base64.b64encode(model.read_bytes()).decode()
    return (
        inlined(modules)
        + f'<script type="text/plain" id="model">{packed}</script>'
        + '<script type="module">'
        + f'import {{ mount }} from "{called("viewer.js")}";'
        + 'const text = atob(document.getElementById("model").textContent);'
        + "const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;"
        + 'mount(document.querySelector(".view"), bytes);'
        + "</script>"
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
    return f'<div class="scroll" tabindex="0"><table>{top}<tbody>{body}</tbody></table></div>'


def dotted(name: str, colour: str) -> str:
    """NAME behind a dot of COLOUR (CSS), on one line where it is not long."""
    dot = f'<span class="dot" style="background:{colour}"></span>'
    said = dot + html.escape(name)
    return f'<span class="whole">{said}</span>' if len(name) <= ONE_LINE else said


def pictures(shown: list[tuple[str, Path]]) -> str:
    figures = (
        f'<figure><img src="{data_url(path)}"'
        f' alt="{html.escape(words)}"><figcaption>{html.escape(words)}</figcaption></figure>'
        for words, path in shown
    )
    return f'<div class="pictures">{"".join(figures)}</div>'


def _shown(poster: Path) -> str:
    return (
        f'<div class="view"><img class="still" src="{data_url(poster)}" alt="The model"><p'
        ' class="hint">Drag to turn · wheel to zoom · right button or two fingers to move</p></div>'
    )


def _moving(turntable: Path, words: str) -> str:
    return (
        f'<div class="view"><img src="{data_url(turntable)}" alt="The model, turning"><p'
        f' class="hint">{html.escape(words)}</p></div>'
    )


def _warnings(texts: list[str]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f'<section class="warnings"><h2>Please look at this</h2><ul>{items}</ul></section>'
