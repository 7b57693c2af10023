"""What a stage declares is what it reads: by its annotation, and by nothing else of the job's options."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import types
import typing
from pathlib import Path

import pytest

from pipeline import jobs
from pipeline.artefacts import Results
from pipeline.kept import declared
from pipeline.kept.options import Declared
from pipeline.recipes import RECIPES, stage_function
from pipeline.workspace import Workspace

OF_RECIPES = sorted(
    {
        (kind, stage)
        for kind, recipe in RECIPES.items()
        for leg in recipe.legs
        for stage in leg.stages
    }
)


@pytest.mark.parametrize("stage", sorted({stage for _, stage in OF_RECIPES}))
def test_a_stage_declares_the_options_and_artefacts_of_its_own_signature(stage: str) -> None:
    """The table is read by processes that import no stage, so it must say what the stage's file says."""
    function = stage_function(stage)
    hints = typing.get_type_hints(function)
    given = hints.pop("return")
    wanted = [
        hint
        for name in inspect.signature(function).parameters
        for hint in (
            typing.get_type_hints(hints[name]).values() if hints[name] is Results else [hints[name]]
        )
    ]
    plain = [
        next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
        if _optional(hint)
        else hint
        for hint in wanted
    ]
    workspaces = [hint for hint in plain if issubclass(typing.get_origin(hint) or hint, Workspace)]
    options = [typing.get_args(hint)[0] for hint in workspaces if typing.get_args(hint)] or [
        Declared
    ]
    table = declared.STAGES[stage]
    assert (table.options, table.gives) == (options[0], given)
    assert set(table.takes) == {hint for hint in plain if hint not in workspaces}


def _optional(hint: object) -> bool:
    return isinstance(hint, types.UnionType)


@pytest.mark.parametrize(("kind", "stage"), OF_RECIPES)
def test_every_kind_has_the_options_that_its_stages_declare(kind: str, stage: str) -> None:
    """The stage's model is made from the job's by name."""
    made = declared.options_for(stage, jobs.parse({"kind": kind}))
    assert type(made) is declared.STAGES[stage].options


def test_a_tier_counts_only_where_it_is_used() -> None:
    """An own face budget makes the tier's nothing that decimate could depend on."""
    asked = [{"quality_tier": tier, "faces": 5000} for tier in ("standard", "high")]
    standard, high = (jobs.parse({"kind": "scan", **request}) for request in asked)
    assert declared.options_for("mesh.decimate", standard) == declared.options_for(
        "mesh.decimate", high
    )
    assert declared.options_for("scan.mesh", standard) != declared.options_for("scan.mesh", high)


@pytest.mark.slow
def test_an_option_that_a_stage_does_not_declare_is_a_type_error(
    root: Path, tmp_path: Path
) -> None:
    """A typo, and an option that the job has but this stage does not name, are found before anything runs."""
    stage, planted = root / "pipeline/stages/mesh/decimate.py", tmp_path / "decimate.py"
    text = stage.read_text()
    assert "ws.options.face_budget" in text
    planted.write_text(
        text.replace("ws.options.face_budget", "ws.options.facez or ws.options.seed")
    )
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--cache-dir",
        str(tmp_path),
        "--shadow-file",
        str(stage),
        str(planted),
        "-m",
    ]
    done = subprocess.run(
        [*command, "pipeline.stages.mesh.decimate"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    for read in ("facez", "seed"):
        assert f'"Decimate" has no attribute "{read}"' in done.stdout


def test_nobody_probes_options_for_what_they_may_have(root: Path) -> None:
    """An option that is not there is a type error, never a silent default."""
    probes = [
        f"{path.relative_to(root)}: {found}"
        for package in ("layout", "pipeline", "webapi")
        for path in sorted((root / package).rglob("*.py"))
        for found in re.findall(r"getattr\(\s*(?:\w+\.)*options\b[^)]*\)", path.read_text())
    ]
    assert probes == []
