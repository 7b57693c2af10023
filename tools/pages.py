"""The pages that are written from the code: docs/jobs.md, docs/errors.md, the tables in other
pages, THIRD_PARTY.md.

usage: python -m tools.pages [--write]      Without --write: name the pages that are out of date,
exit 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from layout.lifecycle import EDGES
from layout.paths import HOST_PATHS, JOB_PATHS, PATHS
from layout.temporary import TOOLS
from pipeline import config, errors, jobs, recipes
from pipeline.jobs import common
from pipeline.weights import KNOWN
from tools import third_party
from tools.installed import ROOT
from tools.tables import doc, options_table, table

HEADER = "<!-- Written by `make docs` from {source}; change it there. -->\n"


# -- docs/jobs.md ------------------------------------------------------------------------------
def jobs_page() -> str:
    parts = [
        "# Kinds of jobs and their options\n",
        HEADER.format(source="pipeline/jobs/ and pipeline/recipes.py"),
        (
            "The keys below mean the same in a drop's `job.toml`, in `--set option=value` of the"
            " CLI, in a REST body and in job.json.\nA request is flat: `kind` first, then options."
            " Unknown keys are refused by name. Without `kind`, a drop is judged by what"
            " it\nholds.\n"
        ),
        (
            '```toml\nkind = "scan"            # job.toml, in the top folder of the drop\nunit ='
            ' "mm"\noutput_format = ["glb", "stl"]\n```\n'
        ),
        (
            "The name counts in any case, and as job.toml.txt. Where the drop is one zip or tar,"
            " the job.toml at its top counts, but for a list of files.\n"
        ),
        (
            "What counts is the job.toml that lies there when the job is accepted: one that was"
            " changed, brought or taken out later, while the job waits or\nbefore its folder comes"
            " back to `inbox/`, has the options read again, and the job says so. Taken out means"
            " the defaults, not the options that\nit once set; options that came by REST or the"
            " command line stay.\n"
        ),
        (
            "A job.toml may also list the files of the drop, after the options. The drop then waits"
            " until all of them are there and whole:\n`path` (relative to the drop's folder) and"
            " `size` (bytes) are needed, `sha256` (64 hexadecimal digits) is compared where it"
            " is\ngiven.\n"
        ),
        (
            '```toml\n[[files]]\npath = "scans/front.ply"\nsize = 1048576\nsha256 = "..."   #'
            " optional\n```\n"
        ),
        "## Options of every kind\n",
        options_table(jobs.Common, ()),
    ]
    for kind, model in jobs.OPTIONS.items():
        parts += [f"## {kind}\n", f"{doc(model)}\n"]
        if kind in recipes.RECIPES:
            parts.append(
                "".join(
                    f"- leg `{leg.queue}`: {' → '.join(map(_stage, leg.stages))}\n"
                    for leg in recipes.RECIPES[kind].legs
                )
            )
        else:
            parts.append("This version has no recipe for it: such a job is refused.\n")
        parts.append(options_table(model, ("kind", *jobs.Common.model_fields)))
    tiers = [(name, *(_tier(value) for value in tier)) for name, tier in common.TIERS.items()]
    parts += [
        "## Quality tiers\n",
        table(["quality_tier", *(_tier_head(field) for field in common.Tier._fields)], tiers),
    ]
    return "\n".join(parts)


TIER_HEADS = {
    "views": "generated views",
    "steps": "FLUX steps",
    "grid": "field grid",
    "cell": "merge cell, share of the size",
    "depth": "Poisson depth",
    "faces": "faces",
    "texture": "texture edge, pixels",
    "photo": "photos: edge, pixels",
    "depths": "their depths: edge, pixels",
}


def _tier_head(field: str) -> str:
    return TIER_HEADS[field]


def _tier(value: float) -> str:
    return f"1/{round(1 / value)}" if value < 1 else f"{value:,}".replace(",", " ")


def _stage(name: str) -> str:
    return name.rpartition(".")[2]


# -- docs/errors.md ----------------------------------------------------------------------------
ACTS = {
    "submitter": "The drop or the request must change. The pipeline never tries again by itself.",
    "operator": "Something on a compute host or in the settings must change.",
    "pipeline": (
        "The pipeline could not do it. The job lies in failed/ with everything needed to look"
        " into it."
    ),
}


def errors_page() -> str:
    known = [getattr(errors, name) for name in errors.__all__] + [config.SettingsRefused]
    parts = [
        "# Errors\n",
        HEADER.format(source="pipeline/errors.py"),
        (
            "Every error is named by what is wrong and says who must act. `failed/<id>/error.txt`"
            " tells it on one page with the remedy;\n`error.json` beside it holds the same for"
            " machines: format, error (the name below), who, message, remedy, stage, leg, n.\n"
        ),
    ]
    for who, meaning in ACTS.items():
        rows = [
            (f"`{kind.__name__}`", _parent(kind), doc(kind), kind.remedy)
            for kind in known
            if getattr(kind, "who", None) == who
        ]
        parts += [
            f"## Who acts: the {who}\n"
            if who != "pipeline"
            else "## Who acts: whoever looks into it\n",
            f"{meaning}\n",
        ]
        parts.append(
            table(["error", "kind of", "says", "remedy, unless the error names a better one"], rows)
        )
    parts.append(
        "A `LineFault` never moves a job: whoever meets one stops claiming, keeps what it holds,"
        " and goes on when the disk or the\nshare does.\n"
    )
    return "\n".join(parts)


def _parent(kind: type) -> str:
    return f"`{kind.__bases__[0].__name__}`" if kind is not errors.PipelineError else ""


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


def settings_table() -> str:
    parts = []
    for group, field in config.Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        shown = options_table(model, ()).replace("| option |", "| setting |", 1)
        parts.append(f"### [{group}]\n\n{doc(model)}\n\n{shown}")
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
    from webapi.routes import act, files, look, submit, system
    from webapi.routes import table as routes

    assert act and files and look and submit and system  # importing them declares their routes
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
    from webapi.problems import MEANINGS

    return table(
        ["last word of `type`", "means"],
        [(f"`{word}`", meaning) for word, meaning in MEANINGS.items()],
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


def with_block(text: str, name: str, block: str) -> str:
    """TEXT with what stands between <!-- name --> and <!-- /name --> replaced."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{block}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Every page that code has a part in, as it should read now."""
    found = {
        ROOT / "docs/jobs.md": jobs_page(),
        ROOT / "docs/errors.md": errors_page(),
        third_party.FILE: third_party.page(),
    }
    for name, (path, block) in BLOCKS.items():
        found[ROOT / path] = with_block(
            found.get(ROOT / path) or (ROOT / path).read_text(), name, block()
        )
    return found


def main() -> int:
    stale = [
        (path, text)
        for path, text in pages().items()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        if "--write" in sys.argv:
            path.write_text(text)
        print(
            ("written: " if "--write" in sys.argv else "out of date, run `make docs`: ")
            + str(path.relative_to(ROOT))
        )
    return int(bool(stale) and "--write" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
