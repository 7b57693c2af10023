"""Every stage of every recipe: whatever it depends on is changed between two starts, and what depends on that is made again, nothing else.

Generated from the declarations (pipeline/kept/declared.py), so a new stage, option or kind is covered as it is added. The stages themselves are
stood in for: which of them run, with what, is decided by the real bag, keys, parcels and leg.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from layout.disk import Disk
from layout.manifest import JobFile, Listed, Source
from layout.promote import promote
from pipeline import artefacts, jobs, recipes
from pipeline.artefacts import Artefact, Dropped
from pipeline.errors import BackendUnavailable
from pipeline.gpu import leg
from pipeline.jobs.common import ASIDE
from pipeline.kept import declared, keys, store
from pipeline.kept.store import Kept
from pipeline.recipes import RECIPES
from pipeline.runner import handover
from pipeline.workspace import StageWorkspace
from tests.support.trees import new_tree

KINDS = sorted(RECIPES)
HASH = "a" * 64
OTHER: dict[str, object] = {  # a value that is not the default, where the field's kind does not give one
    "marker_edge": 40.0, "preset": "print", "reference": "b.ply", "tolerance": 0.2,
    "output_format": ("glb", "stl"), "quality_tier": "high", "unit": "inch", "align": "off", "components": "all", "plane": "keep",
    "up": "z", "front": "x", "surface": "closed", "skip": ("outliers", "features", "clean", "decimate"), "camera": "1,1,1,1", "backend": "visual-hull",
    "image_urls": ("http://example.org/a.png",), "image_paths": ("b.png",), "prompt": "a red cube", "webhook_url": "http://example.org/",
    "turntable": 8, "order": "sequence", "faces": 5000, "texture_size": 128, "views": 6, "cell": 0.5, "holes": 0.5, "elevation": 15.0, "fov": 30.0,
    "draw_sides": True,
}  # fmt: skip
BESIDE: dict[str, dict[str, object]] = {
    "tolerance": {"reference": "b.ply"}
}  # what an option needs beside it
SAMPLES: dict[type[Artefact], dict[str, Any]] = {
    artefacts.Scans: {"passes": (), "unit": "m", "unit_guessed": False},
    artefacts.Alignment: {"passes": (), "links": (), "components": (), "size": 1.0},
    artefacts.PointCloud: {
        "arrays": "file",
        "points": 1,
        "spacing": 1.0,
        "size": 1.0,
        "colored": False,
    },
    artefacts.Features: {"up": (0, 0, 1), "up_from": "file", "frame": ()},
    artefacts.Mesh: {
        "arrays": "file",
        "vertices": 3,
        "faces": 1,
        "watertight": False,
        "manifold": False,
    },
    artefacts.Views: {"views": ()},
    artefacts.PosedPictures: {"pictures": ()},
    artefacts.PosedView: {"azimuth": 12.0},
    artefacts.Comparison: {},
    artefacts.Exported: {"files_written": (), "faces": 1},
    artefacts.Pictures: {"preview": "preview.png"},
    artefacts.Report: {"page": "report.html"},
}


class Host:
    """One host: its scratch, and what it ran."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.ran, self.weights = root, list[str](), dict[str, dict[str, str]]()
        root.mkdir()
        monkeypatch.setattr(recipes, "stage_function", self.stage)

    def stage(self, name: str, what: str = "run") -> Callable[..., Any]:
        """NAME's stand-in: asks for what its declaration takes, as far as it is there, and leaves a file, a warning and an output."""
        if what == "weights":
            return lambda: self.weights.get(name, {})

        def run(ws: StageWorkspace[Any]) -> Artefact:
            self.ran.append(name)
            given = declared.STAGES[name].gives
            data = {
                key: f"{name}/arrays" if value == "file" else value
                for key, value in SAMPLES[given].items()
            }
            ws.path(f"{name}/arrays").write_text(json.dumps(ws.options.model_dump(mode="json")))
            ws.output(f"{name}.txt").write_text(name)
            ws.warn(f"{name} was here")
            return given.model_validate(data)

        run.__annotations__ = {"ws": StageWorkspace[Any], "return": Artefact}
        return run

    def start(self, job: JobFile, work: Path, until: int | None = None) -> list[str]:
        """What runs of JOB's recipe, its first UNTIL legs or all."""
        self.ran, recipe, options = (
            [],
            RECIPES[str(job.kind)],
            jobs.parse({"kind": job.kind, **job.options}),
        )
        first = Kept.of(
            self.root,
            "",
            Dropped(names=tuple(row.path for row in job.manifest if row.used)),
            key=keys.of_input(job),
        )
        handover.unpack(
            Disk(durable=False), work, self.root, recipe.legs, options, first, lambda stage: True
        )
        for one in recipe.legs[:until]:
            order = {
                "root": self.root,
                "input": self.root,
                "request": {"kind": job.kind, **job.options},
                "leg": one.stages,
            }
            leg.run(order | {"before": recipe.before(one.queue)}, lambda **said: None)
        return self.ran


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path / "one", monkeypatch)


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    return tmp_path / "work"


def job_of(kind: str, **options: object) -> JobFile:
    rows = [
        Listed(path="a.ply", size=1, sha256=HASH),
        Listed(path="b.ply", size=1, sha256=HASH),
        Listed(path="READY", size=0, used=False),
    ]
    asked = jobs.options_of(jobs.parse({"kind": kind, **options}))
    return JobFile(
        id="vase-0000000000",
        kind=kind,
        options=asked,
        source=Source(name="vase", origin="share", at=""),
        manifest=rows,
    )


def depend_on(kind: str, changed: set[str]) -> list[str]:
    """The stages that CHANGED reaches, by what they take: told here once more, and otherwise than by the keys."""
    makers: dict[type[Artefact], str] = {Dropped: ""}
    reached: list[str] = []
    for stage in recipes.stages(kind):
        takes = {makers[kind] for kind in declared.STAGES[stage].takes if kind in makers}
        if stage in changed or takes & {*reached, *(changed & {""})}:
            reached.append(stage)
        makers[declared.STAGES[stage].gives] = stage
    return reached


def options_of_kinds() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        yield from ((kind, name) for name in jobs.OPTIONS[kind].model_fields if name != "kind")


def other(kind: str, name: str) -> object:
    """Another value of option NAME than its default."""
    field = jobs.OPTIONS[kind].model_fields[name]
    if isinstance(field.default, bool):
        return not field.default
    if name in OTHER:
        return OTHER[name]
    if get_origin(field.annotation) is Literal:
        return next(value for value in get_args(field.annotation) if value != field.default)
    return field.default + ("x" if isinstance(field.default, str) else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_made_twice_of_the_same(host: Host, nowhere: Path, kind: str) -> None:
    """A second start of a finished job runs no stage, and says what the first one said."""
    assert host.start(job_of(kind), nowhere) == [*recipes.stages(kind)]
    said = store.warnings(store.load(host.root))
    assert host.start(job_of(kind), nowhere) == []
    assert (
        store.warnings(store.load(host.root))
        == said
        == [f"{stage} was here" for stage in recipes.stages(kind)]
    )


@pytest.mark.parametrize(("kind", "name"), [*options_of_kinds()])
def test_an_option_redoes_the_stages_that_declare_it_and_what_takes_theirs(
    host: Host, nowhere: Path, kind: str, name: str
) -> None:
    """And no other one. The options of the result are those that are asked for now, and its files those of the stages that made it."""
    beside = BESIDE.get(name, {})
    before, after = job_of(kind, **beside), job_of(kind, **beside, **{name: other(kind, name)})
    made = [
        [
            declared.options_for(stage, jobs.parse({"kind": kind, **job.options}))
            for stage in recipes.stages(kind)
        ]
        for job in (before, after)
    ]
    changed = {
        stage for stage, old, new in zip(recipes.stages(kind), *made, strict=True) if old != new
    }
    assert bool(changed) == (name not in ASIDE)
    host.start(before, nowhere)
    again = {""} if name == "image_paths" else set()  # it names a file, too
    assert host.start(after, nowhere) == depend_on(kind, changed | again)
    for stage in recipes.stages(kind):
        written = json.loads((host.root / stage / "arrays").read_text())
        assert written == made[1][recipes.stages(kind).index(stage)].model_dump(mode="json")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["a byte", "a name", "one more", "one less", "not used"])
def test_a_changed_input_redoes_what_is_made_from_it(
    host: Host, nowhere: Path, kind: str, how: str
) -> None:
    """Whatever of a file changes; all that follows from the drop is made anew."""
    before, after = job_of(kind), job_of(kind)
    if how == "a byte":
        after.manifest[0].sha256 = "b" * 64
    elif how == "a name":
        after.manifest[0].path = "c.ply"
    elif how == "one more":
        after.manifest.append(Listed(path="c.ply", size=1, sha256=HASH))
    elif how == "one less":
        del after.manifest[0]
    else:
        after.manifest[0].used = False
    host.start(before, nowhere)
    assert host.start(after, nowhere) == depend_on(kind, {""}) == [*recipes.stages(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_speaks_to_the_intake_is_no_input(host: Host, nowhere: Path, kind: str) -> None:
    """READY may go and a job.toml may come: the options count, not the file."""
    before, after = job_of(kind), job_of(kind)
    after.manifest[-1] = Listed(path="job.toml", size=9, sha256="c" * 64, used=False)
    host.start(before, nowhere)
    assert host.start(after, nowhere) == []


def test_a_picture_below_inputs_counts_by_its_content(host: Host, nowhere: Path) -> None:
    """It is named by path; somebody may replace it."""
    before, after = job_of("images", image_paths=["b.png"]), job_of("images", image_paths=["b.png"])
    before.provenance.inputs, after.provenance.inputs = (
        {"inputs/b.png": HASH},
        {"inputs/b.png": "b" * 64},
    )
    host.start(before, nowhere)
    assert host.start(after, nowhere) == [*recipes.stages("images")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "stage"), [(kind, stage) for kind in KINDS for stage in recipes.stages(kind)]
)
def test_a_raised_version_redoes_the_stage_and_what_takes_its_artefact(
    host: Host, nowhere: Path, monkeypatch: pytest.MonkeyPatch, kind: str, stage: str
) -> None:
    """An upgrade that changes what a stage makes."""
    host.start(job_of(kind), nowhere)
    monkeypatch.setitem(declared.STAGES, stage, declared.STAGES[stage]._replace(version=99))
    assert host.start(job_of(kind), nowhere) == depend_on(kind, {stage})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "stage"), [(kind, stage) for kind in KINDS for stage in recipes.stages(kind)]
)
def test_a_lost_file_redoes_its_stage_and_what_takes_its_artefact(
    host: Host, nowhere: Path, kind: str, stage: str
) -> None:
    """What a stage left below output/ is part of what it made."""
    host.start(job_of(kind), nowhere)
    (host.root / f"output/{stage}.txt").unlink()
    assert host.start(job_of(kind), nowhere) == depend_on(kind, {stage})


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        (kind, stage)
        for kind in KINDS
        for stage in recipes.stages(kind)
        if stage in declared.WEIGHED
    ],
)
def test_other_weights_redo_the_stage_and_a_host_without_any_does_not_judge(
    host: Host, nowhere: Path, kind: str, stage: str
) -> None:
    """The new ones are recorded beside the key."""
    host.weights[stage] = {"network": HASH}
    host.start(job_of(kind), nowhere)
    host.weights[stage] = {}
    assert host.start(job_of(kind), nowhere) == []
    host.weights[stage] = {"network": "b" * 64}
    assert host.start(job_of(kind), nowhere) == depend_on(kind, {stage})
    assert {one.stage: one.weights for one in store.load(host.root)}[stage] == {"network": "b" * 64}


@pytest.mark.parametrize("times", [0, 1, 2, 99])
def test_weights_that_are_exchanged_while_a_stage_runs_are_not_told_as_those_before(
    host: Host, nowhere: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Nobody knows which were loaded: it is made again, and what is recorded is what made it."""
    stage = "mesh.reconstruct"
    host.weights[stage], left, real = {"network": HASH}, list(range(times)), host.stage

    def function(name: str, what: str = "run") -> Callable[..., Any]:
        if name != stage or what != "run":
            return real(name, what)
        run = real(name)

        def exchanged(ws: StageWorkspace[Any]) -> Artefact:
            made: Artefact = run(ws)
            if left:
                host.weights[stage] = {"network": f"{left.pop():064}"}
            return made

        exchanged.__annotations__ = run.__annotations__
        return exchanged

    monkeypatch.setattr(recipes, "stage_function", function)
    if times > leg.TRIES:
        with pytest.raises(BackendUnavailable, match="exchanged again and again"):
            host.start(job_of("images"), nowhere)
        return
    assert host.start(job_of("images"), nowhere).count(stage) == times + 1
    (kept,) = (one for one in store.load(host.root) if one.stage == stage)
    assert kept.weights == host.weights[stage] and kept.warnings == (f"{stage} was here",)


def test_weights_that_are_taken_away_once_they_are_loaded_spoil_nothing(
    host: Host, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = "mesh.reconstruct"
    looks = [{"network": HASH}, {}]
    real = host.stage

    def function(name: str, what: str = "run") -> Callable[..., Any]:
        asks = name == stage and what == "weights"
        return (lambda: looks.pop(0)) if asks else real(name, what)

    monkeypatch.setattr(recipes, "stage_function", function)
    assert host.start(job_of("images"), nowhere).count(stage) == 1
    assert {one.stage: one.weights for one in store.load(host.root)}[stage] == {"network": HASH}


@pytest.mark.parametrize("stage", sorted(declared.STAGES))
def test_a_stage_that_declares_weights_can_tell_them(stage: str) -> None:
    """And no other one has such a function."""
    import importlib

    assert (
        hasattr(importlib.import_module(f"pipeline.stages.{stage}"), "weights")
        == declared.STAGES[stage].weights
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if len(RECIPES[kind].legs) > 1])
@pytest.mark.parametrize("change", ["nothing", "input", "last option", "first version"])
def test_the_next_host_goes_on_with_what_is_still_asked_for(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch, kind: str, change: str
) -> None:
    """From the parcel of the first leg, on a host whose scratch is empty; the leg's key says the same without any artefact."""
    atlas = new_tree(tmp_path / "atlas", Disk(durable=False))
    place = atlas.at_processing("vase-0000000000", "host-cpu-aaaa", 1)
    place.path.mkdir()
    before = job_of(kind)
    host.start(before, place.path / "work", until=1)
    queue = RECIPES[kind].legs[0].queue
    handover.pack(host.root, tmp_path / "packed", RECIPES[kind].legs[0].stages)
    key = keys.of_legs(RECIPES[kind].legs, before)[queue]
    promote(atlas, place, tmp_path / "packed", f"work/{queue}", key)
    after, changed = job_of(kind), set[str]()
    if change == "input":
        after.manifest[0].sha256, changed = "b" * 64, {""}
    elif change == "last option":
        after.options["output_format"] = ["glb", "obj"]
    elif change == "first version":
        stage = RECIPES[kind].legs[0].stages[0]
        changed = {stage}
        monkeypatch.setitem(declared.STAGES, stage, declared.STAGES[stage]._replace(version=99))
    assert (keys.of_legs(RECIPES[kind].legs, after)[queue] == key) == (
        change in ("nothing", "last option")
    )
    again = depend_on(kind, changed)
    later = [stage for one in RECIPES[kind].legs[1:] for stage in one.stages]
    wanted = [stage for stage in recipes.stages(kind) if stage in again or stage in later]
    assert Host(tmp_path / "two", monkeypatch).start(after, place.path / "work") == wanted
