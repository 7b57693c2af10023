"""The networks are pure: tensors in, tensors out."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ALLOWED = {"torch", "numpy", *sys.stdlib_module_names}
FILES = sorted((Path(__file__).resolve().parents[3] / "pipeline" / "networks").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_networks_import_torch_numpy_and_each_other_only(path: Path) -> None:
    """Imports inside functions count too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    assert [
        name
        for name in names
        if name.split(".")[0] not in ALLOWED and not name.startswith("pipeline.networks")
    ] == []
