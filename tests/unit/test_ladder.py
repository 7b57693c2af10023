"""The import ladder: who may import whom, and what stays unloaded."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

HEAVY = (
    "torch",
    "open3d",
    "scipy",
    "trimesh",
    "pymeshlab",
    "bpy",
    "diffusers",
    "transformers",
    "skimage",
    "pycolmap",
    "cv2",
    "onnxruntime",
)
LIGHT = (
    "layout.lifecycle",
    "pipeline.__main__",
    "pipeline.artefacts",
    "pipeline.config",
    "pipeline.kept.declared",
    "pipeline.runner.due",
    "pipeline.demo.demo",
    "pipeline.errors",
    "pipeline.formats.completeness",
    "pipeline.formats.meshes",
    "pipeline.jobs",
    "pipeline.kept.keys",
    "pipeline.log",
    "pipeline.queues",
    "pipeline.recipes",
    "pipeline.runner.runner",
    "pipeline.watchers",
    "pipeline.workspace",
    "webapi",
)
GPL = ("pymeshlab", "bpy")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import between our modules and to others' packages, late ones included."""
    return grimp.build_graph("layout", "pipeline", "webapi", include_external_packages=True)


def is_a_program(module: str) -> bool:
    """Whether MODULE is run in a process of its own and never imported by others."""
    spec = importlib.util.find_spec(module)
    return (
        spec is not None
        and spec.origin is not None
        and "__name__ ==" in Path(spec.origin).read_text()
    )


def test_the_contracts_of_the_ladder_hold(root: Path) -> None:
    """The layers and prohibitions in pyproject.toml are kept by every module, by late imports too."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Forks a process that has loaded none of them for each module, and tells what each then has loaded.
IMPORTS = """
import importlib, os, sys
import pydantic  # what all of them load, once
for module in {light!r}:
    assert not set({heavy!r}) & set(sys.modules), "the process that forks has loaded one itself"
    if (pid := os.fork()) == 0:
        importlib.import_module(module)
        print(module, *sorted(set({heavy!r}) & set(sys.modules)), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""


@pytest.fixture(scope="module")
def loaded(root: Path) -> dict[str, list[str]]:
    """The heavy libraries that importing each light module has loaded, each in a process of its own."""
    script = IMPORTS.format(light=LIGHT, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    return {module: heavy for module, *heavy in said}


@pytest.mark.parametrize("module", LIGHT)
def test_importing_a_light_module_loads_no_heavy_library(
    loaded: dict[str, list[str]], module: str
) -> None:
    """The CLI, the worker's parent and the web process start fast and stay small."""
    assert loaded[module] == []


def test_a_heavy_library_that_is_loaded_would_be_told(root: Path) -> None:
    script = IMPORTS.format(light=("json", "colorsys"), heavy=("colorsys",))
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["json", "colorsys colorsys"]


@pytest.mark.slow
def test_importing_every_stage_loads_no_heavy_library(root: Path, graph: grimp.ImportGraph) -> None:
    """Stages import heavy libraries inside their functions, so that a worker can read a recipe without loading them."""
    stages = sorted(
        module
        for module in graph.modules
        if module.startswith("pipeline.stages") and not is_a_program(module)
    )
    script = f"import sys, importlib; [importlib.import_module(m) for m in {stages!r}]; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_stage_imports_no_other_stage(graph: grimp.ImportGraph) -> None:
    """What two stages share lies in a file of their group whose name begins with an underscore."""
    files = [m for m in graph.modules if m.startswith("pipeline.stages.") and not is_a_program(m)]
    modules = [m for m in files if hasattr(importlib.import_module(m), "run")]
    stages = {m for m in modules if not m.rpartition(".")[2].startswith("_")}
    assert len(stages) > 5
    assert {
        (m, other) for m in modules for other in graph.find_modules_directly_imported_by(m) & stages
    } == set()


def test_only_stages_use_gpl_libraries(graph: grimp.ImportGraph) -> None:
    """GPL code is used only by what runs in the engine process."""
    users = {
        m
        for library in GPL
        if library in graph.modules
        for m in graph.find_modules_that_directly_import(library)
    }
    assert {m for m in users if not m.startswith("pipeline.stages.")} == set()
