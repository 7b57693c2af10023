"""The page of options, from their models."""

from __future__ import annotations

from pipeline import jobs, recipes
from pipeline.jobs import common
from tools.tables import HEADER, doc, options_table, table


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
            "One that lies in a folder of the drop is refused by name, as are several folders that"
            " each hold READY: they are drops of their own.\n"
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
    "flow": "TripoSG steps",
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
