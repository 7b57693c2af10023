"""The report is one file that opens offline; scan.json says what was found and nothing about time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import jobs
from pipeline.artefacts import (
    Alignment,
    Artefact,
    Axis,
    Dropped,
    Exported,
    Features,
    Link,
    Mesh,
    Mirror,
    Pass,
    Pictures,
    Placed,
    Plane,
    Report,
    Results,
    Scans,
    Symmetry,
)
from pipeline.stages.finish import (
    _chapters,
    _deviation,
    _facts,
    _first_words,
    _inspect,
    _modules,
    _page,
    _tables,
    preview,
)
from pipeline.stages.finish._cloud_picture import palette
from pipeline.stages.finish._figures import HEIGHT, link_graph
from pipeline.stages.finish._tables import lengths
from pipeline.text import sentence
from pipeline.workspace import StageWorkspace, Workspace
from tests.unit.finish.shapes import ball, box, cloud_of, finished, stored

Make = Callable[..., Workspace]
IDENTITY = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))


def scan_bag(ws: Workspace, **facts: Any) -> list[Artefact]:
    """A scan of a ball: two passes placed, one left out, one link."""
    surface = ball(4)
    placed = [
        Placed(name=name, points=9000, placed=True, pose=IDENTITY, score=0.7, overlap=0.5)
        for name in ("front <1>.ply", "back.ply")
    ]
    lost = Placed(
        name="cat.ply",
        points=500,
        placed=False,
        pose=None,
        score=None,
        overlap=None,
        warning="it fits nowhere",
    )
    link = Link(
        a="front <1>.ply", b="back.ply", score=0.7, overlap=0.5, used=True, method="features"
    )
    passes = tuple(
        Pass(name=item.name, arrays="p.npz", points=item.points) for item in (*placed, lost)
    )
    ws.warn("the unit is a guess: <mm>")
    np.savez(ws.path("p.npz"), points=surface.vertices)
    return [
        Dropped(names=tuple(item.name for item in passes)),
        Scans(passes=passes, unit="mm", unit_guessed=True),
        Alignment(
            passes=(*placed, lost),
            links=(link,),
            components=(("front <1>.ply", "back.ply"), ("cat.ply",)),
            size=2.0,
            gap=0.001,
        ),
        cloud_of(ws, surface),
        stored(
            ws,
            surface,
            unsupported_area=0.01,
            scan_to_mesh={"mean": 0.0002, "p95": 0.0006},
            **facts,
        ),
    ]


@pytest.fixture(scope="module", autouse=True)
def few_frames() -> Iterator[int]:
    """Turntables of three frames, but for one test; yields how many there are otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        frames = preview.FRAMES
        patch.setattr(preview, "FRAMES", 3)
        yield frames


@pytest.fixture(scope="module")
def scan_report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Report]:
    from pipeline.jobs import parse

    folder = tmp_path_factory.mktemp("report")
    ws = StageWorkspace(
        folder / "work",
        folder,
        options=parse({"kind": "scan", "texture_size": 128, "output_format": "glb,stl"}),
    )
    bag = finished(ws, *scan_bag(ws))
    assert isinstance(bag[-1], Report)
    return ws, bag[-1]


@pytest.mark.slow
def test_the_stage_writes_preview_thumbnail_and_turntable(
    scan_report: tuple[Workspace, Report], few_frames: int
) -> None:
    """512², 128², and frames that differ; outside these tests they are 36."""
    assert few_frames == 36
    ws, _ = scan_report
    for name, edge in (("preview.png", 512), ("thumbnail.png", 128)):
        with Image.open(ws.output(name)) as opened:
            assert opened.size == (edge, edge)
    with Image.open(ws.output("turntable.webp")) as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
        frames = []
        for number in (0, 1):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert np.abs(frames[0] - frames[1]).max() > 20


@pytest.mark.slow
def test_the_report_is_one_file_that_needs_nothing_else(
    scan_report: tuple[Workspace, Report],
) -> None:
    """No address outside the page but relative links to its neighbours; not larger than 12 MB; the model's GLB is inside."""
    ws, report = scan_report
    text = ws.output(report.page).read_text("utf-8")
    assert len(text.encode()) <= _page.LARGEST
    body = re.sub(r"<script[^>]*>.*?</script>", "", text, flags=re.S)
    assert re.findall(r"(?:src|href|poster)=\"(?!data:)([^\"]*)\"", body) == [
        "model.glb", "model.stl", "cloud.ply", "preview.png", "turntable.webp", "scan.json",
    ]  # fmt: skip
    assert "http" not in re.sub(r"data:[^\"]*", "", body)
    kept = {path.name for path in ws.output("scan.json").parent.iterdir()}
    assert kept == {
        "inspect.glb", "model.glb", "model.stl", "cloud.ply", "preview.png", "thumbnail.png",
        "turntable.webp", "scan.json", "report.html",
    }  # fmt: skip
    assert '<script type="text/plain" id="model">' in text or _page.NO_VIEWER in body


@pytest.mark.slow
def test_the_report_tells_what_a_person_wants_to_know(
    scan_report: tuple[Workspace, Report],
) -> None:
    """Passes, the one left out and why, warnings, numbers, links, distances, files, seed; names are escaped."""
    ws, report = scan_report
    text = ws.output(report.page).read_text("utf-8")
    facts = (
        "2 of 3",
        "cat.ply: it fits nowhere",
        "The unit is a guess: &lt;mm&gt;",
        "front &lt;1&gt;.ply",
        "1.0%",
        "seed 0",
    )
    for words in (
        *facts,
        "model.stl",
        "<svg",
        "How the passes hang together",
        "How far the scan lies from the surface",
        "in its colour",
    ):
        assert words in text
    assert "front <1>" not in text
    said = re.search(r"The scan lies (\S+ \w+) from the surface on average", text)
    assert said and f">mean {said[1]}<" in text, "the lead and the histogram say the same number"
    assert text.count("data:image/") >= 4


def test_without_the_viewer_the_turntable_and_a_plain_word_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of a host where the viewer was not fetched still shows the model turning and says what to do."""
    monkeypatch.setattr(_page, "VENDOR", "not-there")
    Image.new("RGB", (4, 4)).save(tmp_path / "t.webp")
    page = _page.Page("t", "l", {}, [], [], [], "f")
    text = _page.render(page, tmp_path / "m.glb", tmp_path / "t.webp", tmp_path / "t.webp")
    assert "inbox3d viewer" in text
    assert "data:image/webp" in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("model.glb", "metres, Y up"),
        ("model.stl", "millimetres, Z up"),
        ("cloud.ply", "the aligned, merged points, as dropped"),
        ("cloud.e57", "metres, one scan a pass"),
        ("preview.png", "picture"),
    ],
)
def test_the_table_of_files_says_the_unit_and_axes_of_each(
    name: str, space: str, workspace: Make
) -> None:
    """A cloud as E57 counts in metres, however the drop does."""
    ws = workspace()
    ws.output(name).write_bytes(b"1")
    mesh = Mesh(arrays="mesh.npz", vertices=3, faces=1, watertight=True, manifold=True, unit="mm")
    shown = _tables.files_table(Exported(files_written=(name,), faces=1), mesh, ws)
    assert space in shown[shown.index(name) :]


def test_modules_find_each_other_by_name_and_nothing_else_is_touched() -> None:
    """three's own name, paths up and down, minified or not; words in strings of other files stay."""
    text = "import{A as e}from\"./three.core.min.js\";\nimport { B } from 'three';\nimport \"../utils/X.js\";\n// from './model.bin'\n//# sourceMappingURL=x.map\n"
    names = ["three.core.min.js", "three.module.min.js", "X.js"]
    assert _modules.pointed(text, names, _modules.called) == (
        'import{A as e}from"inbox3d/three.core.min.js";\nimport { B } from "inbox3d/three.module.min.js";\n'
        "import \"inbox3d/X.js\";\n// from './model.bin'\n\n"
    )


def test_symmetry_stands_in_the_table_and_in_scan_json_where_the_files_have_it(
    tmp_path: Path,
) -> None:
    """Its places, and the planes' offsets, count the survey's origin; the directions do not."""
    symmetry = Symmetry(
        axes=(Axis(origin=(1, 2, 3), direction=(0, 0, 1), score=0.91),),
        planes=(Mirror(origin=(4, 5, 6), normal=(0, 1, 0), score=0.97),),
    )
    level = Plane(normal=(0, 0, 1), offset=-2.0, share=0.5, role="level")
    features = Features(
        planes=(level,), symmetry=symmetry, up=(0, 0, 1), up_from="file", frame=IDENTITY
    )
    alignment = Alignment(passes=(), links=(), components=(), size=1.0)
    ws = Workspace(tmp_path, tmp_path)
    mesh = stored(ws, ball(2), origin=(100, 200, 300))
    results = Results(
        mesh=mesh,
        exported=Exported(files_written=(), faces=1),
        pictures=Pictures(preview=""),
        alignment=alignment,
        features=features,
    )
    facts = _facts.scan_facts(results, 0, [])
    assert facts is not None
    told = facts["features"]
    assert told["symmetry"]["axes"] == [
        {"origin": [101, 202, 303], "direction": [0, 0, 1], "score": 0.91}
    ]
    assert told["symmetry"]["planes"] == [
        {"origin": [104, 205, 306], "normal": [0, 1, 0], "score": 0.97}
    ]
    assert told["planes"][0]["offset"] == -302.0
    table = _tables.features_table(features)
    for words in ("axis of revolution", "along (0.000, 0.000, 1.000)", "91%"):
        assert words in table
    for words in ("mirror plane", "across (0.000, 1.000, 0.000)", "97%"):
        assert words in table
    none = features.model_copy(update={"planes": (), "symmetry": None})
    assert not _chapters.recognised(none)
    assert _chapters.recognised(none.model_copy(update={"symmetry": symmetry}))


def test_scan_json_says_what_was_found(scan_report: tuple[Workspace, Report], root: Path) -> None:
    """Keys and meanings as the design says, each explained in docs/results.md; a pass left out has
    no pose."""
    ws, report = scan_report
    assert report.facts == "scan.json"
    facts = json.loads(ws.output("scan.json").read_text("utf-8"))
    assert {
        "passes",
        "links",
        "components",
        "unit",
        "frame",
        "features",
        "mesh",
        "texture",
        "seed",
        "versions",
    } <= set(facts)
    assert [(item["file"], item["placed"], item["pose"] is None) for item in facts["passes"]] == [
        ("front <1>.ply", True, False), ("back.ply", True, False), ("cat.ply", False, True),
    ]  # fmt: skip
    assert set(facts["passes"][0]) == {
        "file",
        "points",
        "placed",
        "pose",
        "score",
        "overlap",
        "warning",
        "ways",
        "scanner",
        "deviation",
    }
    told = (root / "docs/results.md").read_text()
    keys = {
        key for row in (facts, facts["passes"][0], facts["mesh"], facts["cloud"]) for key in row
    }
    assert [key for key in sorted(keys) if f"`{key}`" not in told] == []
    assert facts["mesh"]["watertight"] is True
    assert facts["mesh"]["scan_to_mesh"] == {"mean": 0.0002, "p95": 0.0006}
    assert facts["texture"] == 128
    assert "time" not in json.dumps(facts).lower()


@pytest.mark.slow
def test_poses_and_frame_count_from_the_files_own_coordinates(workspace: Make) -> None:
    """With a survey origin, pose takes a point of the dropped file to its place in cloud.ply, and frame takes that to the GLB."""
    ws = workspace(kind="scan", texture=False)
    origin = (1000, 2000, 30)
    turn = ((0.0, -1.0, 0.0, 0.5), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    bag = scan_bag(ws, origin=origin)
    alignment = next(item for item in bag if isinstance(item, Alignment))
    moved = alignment.model_copy(
        update={
            "passes": (alignment.passes[0].model_copy(update={"pose": turn}), *alignment.passes[1:])
        }
    )
    finished(ws, *(moved if item is alignment else item for item in bag))
    facts = json.loads(ws.output("scan.json").read_text("utf-8"))
    local = np.array([1.0, 2.0, 3.0, 1.0])
    shift = np.array([*origin, 0.0])
    in_file, in_cloud = local + shift, np.array(turn) @ local + shift
    assert np.array(facts["passes"][0]["pose"]) @ in_file == pytest.approx(in_cloud)
    assert (np.array(facts["frame"]) @ in_cloud)[:3] == pytest.approx([-0.0015, 0.003, -0.001])


def test_a_convert_job_has_a_report_and_no_scan_json(workspace: Make) -> None:
    """Where nothing was aligned nothing is said about passes."""
    ws = workspace()
    report = finished(ws, Dropped(names=("vase.stl",)), stored(ws, box()))[-1]
    assert isinstance(report, Report)
    assert report.facts is None
    text = ws.output("report.html").read_text("utf-8")
    assert "<h1>vase.stl</h1>" in text
    assert "100 × 40 × 60 mm" in text
    assert not (ws.root / "output" / "scan.json").exists()


def test_a_report_names_the_object_where_the_drop_has_a_name(tmp_path: Path) -> None:
    """By its folder or its archive; a sentence and the only file speak for themselves."""
    images, convert = jobs.parse({"kind": "images"}), jobs.parse({"kind": "convert"})
    two = Dropped(names=("jug.zip/a.png", "jug.zip/b.png"))
    folder, loose = Workspace(tmp_path, tmp_path / "Mug"), Workspace(tmp_path, tmp_path / "input")
    assert _first_words.object_name(folder, two) == "Mug"
    assert _first_words.object_name(loose, two) == "jug"
    assert _first_words.object_name(loose, Dropped(names=("a.png",))) == ""
    assert _first_words.title(None, two, images, "jug") == "jug: one model from 2 images"
    for name in ("x.stl", "One model.stl"):  # a file may be called what we say of several
        assert _first_words.title(None, Dropped(names=(name,)), convert, "Mug") == "Mug"
    assert _first_words.title(None, Dropped(names=("mug.stl",)), convert, "mug") == "mug.stl"


@pytest.mark.parametrize(
    ("said", "names", "title"),
    [
        ({"kind": "convert"}, ("cup.obj", "cup.mtl"), "cup.obj"),
        ({"kind": "images"}, ("front.png",), "front.png"),
        ({"kind": "images"}, ("front.png", "left.png"), "One model from 2 images"),
        ({"kind": "prompt", "prompt": "a red\n cube"}, ("prompt.txt",), "“a red cube”"),
        ({"kind": "prompt", "prompt": "x" * 200}, ("prompt.txt",), "“" + "x" * 79 + "…”"),
    ],
)
def test_a_report_is_called_what_its_person_would_call_it(
    said: dict[str, str], names: tuple[str, ...], title: str
) -> None:
    assert _first_words.title(None, Dropped(names=names), jobs.parse(said)) == title


def test_a_warning_begins_like_a_sentence_but_names_keep_their_letters() -> None:
    assert [
        sentence(text) for text in ("the unit is guessed.", "far.obj lies far from zero.", "ok")
    ] == [
        "The unit is guessed.",
        "far.obj lies far from zero.",
        "Ok",
    ]


def test_names_of_many_passes_are_turned_outward() -> None:
    """Beside each other they would lie on one another."""
    for many in (3, 40):
        passes = tuple(
            Placed(name=f"{n}.jpg", points=1, placed=True, pose=IDENTITY, score=None, overlap=None)
            for n in range(many)
        )
        drawn = link_graph(
            Alignment(passes=passes, links=(), components=(), size=1.0, gap=None), palette(many)
        )
        assert drawn.count("rotate(") == (many if many > 16 else 0)
    # seen from the middle a letter of 8 pixels is about 4.8 wide, and a name 18 letters at the most
    assert HEIGHT * 0.5 - crowded_reach(drawn) > 8 + 18 * 4.8


def crowded_reach(drawn: str) -> float:
    """How far from the middle of the picture its dots are."""
    return HEIGHT / 2 - min(
        float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', drawn)
    )


@pytest.mark.parametrize(("size", "width"), [(0.2, "12.3 mm"), (2.0, "0.012 m")])
def test_lengths_are_said_as_the_viewer_says_them(size: float, width: str) -> None:
    """In the unit and to the digits of the whole object."""
    assert lengths(np.array([0.0123]), size) == width


def facts_inside(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(document, what its scene says beside the model) of a GLB."""
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + length])
    return document, document["scenes"][0]["extras"]


def test_what_the_viewer_says_equals_scan_json(scan_report: tuple[Workspace, Report]) -> None:
    """Passes in the same order with the same deviations, in metres; points of every placed pass."""
    ws, _ = scan_report
    document, said = facts_inside(ws.output("inspect.glb"))
    facts = json.loads(ws.output("scan.json").read_text("utf-8"))
    assert [one["name"] for one in said["passes"]] == [one["file"] for one in facts["passes"]]
    for shown, told in zip(said["passes"][:2], facts["passes"][:2], strict=True):
        for key in ("mean", "p95"):
            assert shown["deviation"][key] == pytest.approx(told["deviation"][key] / 1000)
    assert facts["passes"][2]["deviation"] is None is said["passes"][2]["deviation"]
    assert said["scale"] == "The unit, mm, is a guess."
    assert [node["name"] for node in document["nodes"]] == ["model", "pass 0", "pass 1"]


def test_a_deviation_has_a_side() -> None:
    """Points outside a box lie positive, those inside negative, both by their distance."""
    off = _deviation.signed(box(), np.array([[52.0, 0, 0], [47.0, 0, 0], [50.0, 0, 0]]))
    assert off == pytest.approx([2.0, -3.0, 0.0], abs=1e-4)


def test_the_model_of_the_page_stays_below_its_limit_and_says_how_far_it_strays(
    workspace: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A model too large for the page is thinned until it fits, with words; where it cannot, there is none."""
    from pipeline.artefacts import Exported, Pictures, Results
    from pipeline.stages.finish._model import Model

    ws = workspace()
    surface = ball(5)
    results = Results(
        stored(ws, surface), Exported(files_written=(), faces=1), Pictures(preview="")
    )
    said = _inspect.facts(results, {}, "convert")
    assert (
        _inspect.write(Model(surface), results, {}, said, tmp_path / "a.glb", tmp_path) is not None
    )
    assert facts_inside(tmp_path / "a.glb")[1]["thinned"] is None
    monkeypatch.setattr(_inspect, "LARGEST", 60_000)
    monkeypatch.setattr(_inspect, "FORMS", ((20_000, 64), (5_000, 64)))
    path = _inspect.write(Model(surface), results, {}, said, tmp_path / "b.glb", tmp_path)
    assert path is not None and path.stat().st_size <= 60_000
    thinned = facts_inside(path)[1]["thinned"]
    assert thinned["of"] == len(surface.faces) > thinned["faces"]
    assert 0 < thinned["strays"] < 0.02
    monkeypatch.setattr(_inspect, "LARGEST", 100)
    assert _inspect.write(Model(surface), results, {}, said, tmp_path / "c.glb", tmp_path) is None
    assert not (tmp_path / "c.glb").exists()


@pytest.mark.slow
def test_the_same_scan_gives_the_same_bytes(workspace: Make) -> None:
    """Pictures, turntable, page and scan.json of two equal jobs are equal."""
    made = []
    for name in ("one", "two"):
        ws = workspace(name, kind="scan", texture_size=64)
        finished(ws, *scan_bag(ws))
        made.append(
            {path.name: path.read_bytes() for path in sorted((ws.root / "output").iterdir())}
        )
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
    assert set(made[0]) >= {
        "model.glb",
        "cloud.ply",
        "preview.png",
        "thumbnail.png",
        "turntable.webp",
        "report.html",
        "scan.json",
    }
