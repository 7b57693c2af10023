"""Tables inside written pages, from the code that they are about."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

from pydantic import BaseModel

from layout.lifecycle import EDGES
from layout.paths import HOST_PATHS, JOB_PATHS, PATHS
from layout.temporary import TOOLS
from pipeline import config
from pipeline.config.groups import Workers
from pipeline.weights import KNOWN
from tools.tables import doc, options_table, table


# -- tables inside hand-written pages ----------------------------------------------------------
def edges_table() -> str:
    return table(
        ["", "edge", "from", "to", "who"],
        [(e.letter, e.verb, _code(e.source), _code(e.target), e.who) for e in EDGES],
    )


def temporary_table() -> str:
    shown = [
        (tool.who, tool.patterns, tuple(f"*{ending} beside the copy" for ending in tool.beside))
        for tool in TOOLS
    ]
    rows = [
        (who, ", ".join(f"`{_readable(each)}`" for each in (*patterns, *beside)))
        for who, patterns, beside in shown
    ]
    return table(["tool", "names"], rows)


def _readable(pattern: str) -> str:
    """A regular expression of the list as people write names: x for a character."""
    return {r"^.+\.~[0-9a-z]{4,}": "*.~xxxxxx", r"^\.(?!_).+\.[a-z0-9]{6}": ".*.xxxxxx"}.get(
        pattern, pattern
    )


def paths_table() -> str:
    parts = []
    for title, rows in (
        ("On Atlas", PATHS),
        ("In a job's folder", JOB_PATHS),
        ("On a compute host", HOST_PATHS),
    ):
        shown = [
            (
                f"`{row.path}`",
                row.what,
                row.writer,
                row.reader,
                row.kind,
                "yes" if row.backup else "no",
            )
            for row in rows
        ]
        parts.append(
            f"### {title}\n\n"
            + table(["path", "what", "writer", "reader", "class", "backed up"], shown)
        )
    return "\n".join(parts)


PRESETS = """\
Options under a name of yours: `[presets.print]` with `output_format = ["stl", "3mf"]` and
`faces = 300000`. A job chooses it by `preset = "print"` (job.toml, API, page, `--set`);
what the job says itself outranks it. With a `kind` it is for jobs of that kind, without one for all
that know its options. It is written out when a job is asked for: later changes touch no job."""


def settings_table() -> str:
    parts = []
    for group, field in config.Settings.model_fields.items():
        model = field.annotation
        if group == "presets":
            parts.append(f"### [presets.NAME]\n\n{PRESETS}\n")
            continue
        assert isinstance(model, type) and issubclass(model, BaseModel)
        shown = options_table(model, ()).replace("| option |", "| setting |", 1)
        parts.append(f"### [{group}]\n\n{doc(model)}\n\n{shown}")
        if group == "host":
            rows = options_table(Workers, ()).replace("| option |", "| setting |", 1)
            parts.append(f"### [[host.workers]]\n\n{doc(Workers)}\n\n{rows}")
    return "\n".join(parts)


def models_table() -> str:
    rows = [
        (
            f"`{known.name}`",
            f"[{known.hub}](https://huggingface.co/{known.hub}){' (gated)' if known.gated else ''}",
            known.licence,
            f"{known.gigabytes:g} GB" if known.gigabytes else "said before it is fetched",
            known.memory,
            f"`{known.revision[:7]}`{', SHA-256 known' if known.sha256 else ''}",
        )
        for known in KNOWN.values()
    ]
    return table(
        ["name", "published as", "licence", "to fetch", "memory of the GPU", "revision"], rows
    )


def routes_table() -> str:
    from webapi.routes import table as routes

    for name in routes.ORDER:  # importing them declares their routes
        importlib.import_module(name)
    routes.index_routes()
    rows = [
        (f"`{r.method} {r.rule}`", r.scope or "none", f"{r.summary} {r.about}".strip())
        for r in routes.ROUTES
    ]
    return table(["route", "scope", "does"], rows)


def words_table() -> str:
    from webapi.index.states import FIRST_LEG, FOLDERS, LEGS, STAGES

    firsts = ", ".join(f"{kind}: `{queue}`" for kind, queue in FIRST_LEG.items())
    rows = [(f"`{state}/`", f"`{word}`") for state, word in FOLDERS.items()]
    rows.append((f"`claimed/`, waiting for its first leg ({firsts})", "`queued`"))
    later = {queue: word for queue, word in LEGS.items() if queue in ("mesh", "finish")}
    rows += [
        (f"`claimed/`, waiting for a later leg, `{queue}`", f"`{word}`")
        for queue, word in later.items()
    ]
    rows += [
        (f"`processing/`, stage `{prefix}{'…' if prefix.endswith('.') else ''}`", f"`{word}`")
        for prefix, word in STAGES
    ]
    return table(["where the job stands", "state"], rows)


def refusals_table() -> str:
    from webapi.problems import named

    return table(
        ["last word of `type`", "means"],
        [(f"`{word}`", meaning) for word, meaning in named().items()],
    )


def _code(text: str) -> str:
    return re.sub(r"[\w./@-]*(?:<[^>]+>[\w./@-]*)+", lambda found: f"`{found.group()}`", text)


BLOCKS: dict[str, tuple[str, Callable[[], str]]] = {
    "edges": ("docs/lifecycle.md", edges_table),
    "temporary": ("docs/lifecycle.md", temporary_table),
    "paths": ("docs/layout.md", paths_table),
    "settings": ("docs/operations.md", settings_table),
    "models": ("docs/models.md", models_table),
    "routes": ("docs/api.md", routes_table),
    "words": ("docs/api.md", words_table),
    "refusals": ("docs/api.md", refusals_table),
}
