"""The page of errors, from their classes."""

from __future__ import annotations

from layout import manifest
from pipeline import config, errors
from tools.tables import HEADER, doc, table

# -- docs/errors.md ----------------------------------------------------------------------------
ACTS = {
    "submitter": "The drop or the request must change. The pipeline never tries again by itself.",
    "operator": "Something on a compute host or in the settings must change.",
    "pipeline": (
        "The pipeline could not do it. The job lies in failed/ with everything needed to find out"
        " why: its input, job.json, and log.txt."
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
            " machines: format, error (the name below), who (in brackets below), message, remedy,"
            " stage, leg, n.\n"
        ),
    ]
    for who, meaning in ACTS.items():
        heading = f"## Who acts: {manifest.ACTS[who]} (`{who}`)\n"
        rows = [
            (f"`{kind.__name__}`", _parent(kind), doc(kind), kind.remedy)
            for kind in known
            if getattr(kind, "who", None) == who
        ]
        columns = ["error", "kind of", "says", "remedy, unless the error names a better one"]
        parts += [heading, f"{meaning}\n", table(columns, rows)]
    parts.append(
        "A `LineFault` never moves a job: whoever meets one stops claiming, keeps what it holds,"
        " and goes on when the disk or the\nshare does.\n"
    )
    return "\n".join(parts)


def _parent(kind: type) -> str:
    return f"`{kind.__bases__[0].__name__}`" if kind is not errors.PipelineError else ""
