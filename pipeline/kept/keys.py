"""Keys: what a kept result was made from, so that whoever goes on can tell whether it still is what
is asked for.

A stage's key is a hash of its name and version, the options it declares, and the tokens of the
artefacts it takes. An artefact's token holds its key and what else went into it: the weights, what
was fetched, what was said. The drop is the first artefact; its key is that of the files, names and
contents. So a key tells the whole chain, and a change shows exactly in what depends on it.

A leg's key says the same of all stages up to its end, from job.json alone: it stands in the first
lines of the checksums of work/<leg> and output/, where the reaper can compare it without knowing
any artefact. Package versions are no part of a key: an upgrade of a library redoes nothing, a
raised version of a stage does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from layout import tree
from layout.disk import Disk
from layout.manifest import JobFile
from layout.tree import Place
from pipeline import jobs
from pipeline.errors import SubmitRefused
from pipeline.jobs.common import ASIDE
from pipeline.kept.declared import STAGES, options_for
from pipeline.kept.snapshot import Snapshot, snapshot
from pipeline.kept.store import Kept

Legs = Sequence[tuple[str, tuple[str, ...]]]  # queue, stages
UNKNOWN = "?"  # the token of what must be made first: no kept key holds it
ANYTHING = "*"  # the type that a stage without declaration may have given
NONE = "-"  # equals no key


def digest(*parts: Any) -> str:
    return hashlib.sha256(
        json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()
    ).hexdigest()[:32]


def of_input(job: JobFile) -> str:
    """The key of the drop: names, contents and use of its files as job.json lists them, and of the
    images it names below inputs/.

    What only tells that the drop is complete, or which options it wants, is no part of it.
    """
    rows = sorted(
        (row.path, row.sha256, row.used) for row in job.manifest if not _is_a_word(row.path)
    )
    named = {
        path: job.provenance.inputs.get(f"inputs/{path}")
        for path in job.options.get("image_paths") or ()
    }
    return digest(rows, named)


def _is_a_word(path: str) -> bool:
    """Does PATH, in a drop, speak to the intake alone?"""
    return path.lower() in tree.MARKERS or tree.is_job_toml(PurePosixPath(path).name)


def of_stage(
    stage: str, options: jobs.Common, tokens: Mapping[str, str], version: int | None = None
) -> str:
    """The key of what STAGE makes from artefacts with TOKENS (by type). One without declaration
    depends on everything.

    VERSION: that of the host which ran it, else the one declared here.
    """
    declared = STAGES.get(stage)
    if declared is None:
        return digest(
            stage, version_of(stage) if version is None else version, _all(options), tokens
        )
    taken = {
        name: tokens[name]
        for name in (*(kind.__name__ for kind in declared.takes), ANYTHING)
        if name in tokens
    }
    number = declared.version if version is None else version
    return digest(stage, number, options_for(stage, options).model_dump(mode="json"), taken)


def version_of(stage: str) -> int:
    return STAGES[stage].version if stage in STAGES else 1


def _all(options: jobs.Common) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude={*ASIDE})


def tokens(kept: Iterable[Kept]) -> dict[str, str]:
    """By type, the token of the newest artefact."""
    found: dict[str, str] = {}
    for one in kept:
        found[one.type] = one.token
        if one.stage and one.stage not in STAGES:
            found[ANYTHING] = one.token
    return found


def standing(
    stages: Iterable[str],
    options: jobs.Common,
    first: Kept,
    look: Callable[[str], Iterable[Kept]],
    judged: Callable[[str], bool],
) -> list[Kept]:
    """What of the kept artefacts is what OPTIONS and the FIRST artefact ask for, in the order of
    STAGES; FIRST leads.

    LOOK gives what is kept of a stage. JUDGED: whether this host runs the stage; else the version
    it was made by is taken as it is.
    """
    kept, known = [first], tokens([first])
    for stage in stages:
        expected = of_stage(stage, options, known)
        for one in look(stage):
            if one.key == expected or (
                not judged(stage) and one.key == of_stage(stage, options, known, one.version)
            ):
                kept.append(one)
                known |= tokens([one])
                break
        else:
            known[STAGES[stage].gives.__name__ if stage in STAGES else ANYTHING] = UNKNOWN
    return kept


# -- from job.json alone -----------------------------------------------------------------------
def of_legs(legs: Legs, job: JobFile) -> dict[str, str]:
    """By queue, the key of what stands when that leg has ended; NONE where job.json asks for
    nothing that this version knows."""
    try:
        options: jobs.Common = jobs.parse({"kind": job.kind, **job.options})
    except SubmitRefused:
        return dict.fromkeys((queue for queue, _ in legs), NONE)
    found, so_far = {}, of_input(job)
    for queue, stages in legs:
        for stage in stages:
            declared = (
                _all(options)
                if stage not in STAGES
                else options_for(stage, options).model_dump(mode="json")
            )
            so_far = digest(so_far, stage, version_of(stage), declared)
        found[queue] = so_far
    return found


def of_result(
    disk: Disk, place: Place, legs: Legs, job: JobFile, read: Snapshot | None = None
) -> str:
    """The key of output/: that of the last leg, and of input/ as it was when it was READ, else as
    it lies there now: a person may have altered it since.
    """
    last = list(of_legs(legs, job).values())[-1:]
    return NONE if NONE in last else digest(last, read or snapshot(disk, place.path / tree.INPUT))
