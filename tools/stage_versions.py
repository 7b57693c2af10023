"""Which code made the results that a stage's version stands for: the ledger stage_versions.toml.

usage: python -m tools.stage_versions [--write]

A stage's code is its file and whatever of pipeline/ that file imports, directly or not, late
imports too; comments, docstrings and layout do not count. Without --write: name the stages that
are not recorded as they stand, and what to do; exit 1 if there are any. `python -m tools.pages`
asks, too.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.kept.declared import STAGES
from tools.installed import ROOT

LEDGER = ROOT / "tests/unit/kept/stage_versions.toml"
# What only carries results about, and what is counted in their keys by itself: options and weights.
BESIDE = {
    *("kept", "artefacts", "jobs", "errors", "log"),
    *("config", "workspace", "queues", "gpu", "weights"),
}
RECORD = "run `python -m tools.stage_versions --write`"
HEAD = """\
# The code that made the results of each stage's version; written by
# `python -m tools.stage_versions --write`. See CONTRIBUTING.md, "A stage".
"""


class Recorded(NamedTuple):
    """A stage's version, and a hash of the code that was so called."""

    version: int
    code: str


def path_of(module: str, root: Path) -> Path | None:
    """The file of MODULE below ROOT; None for a name that is no module of the pipeline's."""
    package, *inner = module.split(".")
    if package != "pipeline" or BESIDE & set(inner[:1]):
        return None
    base = root.joinpath(*module.split("."))
    places = (base.with_suffix(".py"), base / "__init__.py")
    return next((one for one in places if one.is_file()), None)


def _imported(tree: ast.AST) -> Iterator[str]:
    """Every module that could be meant, late imports included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_words(tree: ast.Module) -> ast.Module:
    """TREE without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def _read(path: Path) -> tuple[str, frozenset[str]]:
    """What the code of a file comes to, and what it imports."""
    tree = _without_words(ast.parse(path.read_bytes()))
    return ast.dump(tree), frozenset(_imported(tree))


def files(stage: str, root: Path = ROOT) -> dict[str, Path]:
    """Module → file: all the code that makes STAGE's result."""
    found: dict[str, Path] = {}
    todo = [f"pipeline.stages.{stage}"]
    while todo:
        module = todo.pop()
        path = path_of(module, root)
        if module not in found and path is not None:
            found[module] = path
            todo += _read(path)[1]
    return dict(sorted(found.items()))


def now(root: Path = ROOT) -> dict[str, Recorded]:
    """Every stage as its code stands below ROOT."""
    told = {}
    for stage, declared in sorted(STAGES.items()):
        whole = hashlib.sha256()
        for module, path in files(stage, root).items():
            whole.update(f"{module}\0{_read(path)[0]}\0".encode())
        told[stage] = Recorded(declared.version, whole.hexdigest()[:16])
    return told


def recorded() -> dict[str, Recorded]:
    """What the ledger says."""
    table = tomllib.loads(LEDGER.read_text()) if LEDGER.exists() else {}
    return {stage: Recorded(row["version"], row["code"]) for stage, row in table.items()}


def unsaid(old: dict[str, Recorded], new: dict[str, Recorded]) -> list[str]:
    """A line for each stage of NEW that OLD does not record as it stands, saying what to do."""
    gone = [f"{stage} is no stage any more: {RECORD}" for stage in sorted(old.keys() - new.keys())]
    changed = [stage for stage in new if old.get(stage) != new[stage]]
    return [f"{stage}{_what(old.get(stage), new[stage])}" for stage in changed] + gone


def _what(before: Recorded | None, row: Recorded) -> str:
    """What to do about a stage that is recorded as BEFORE and stands as ROW."""
    if before is None or row.version > before.version:
        return f": version {row.version} is new: {RECORD}"
    if row.version < before.version:
        return f": version {row.version} is below {before.version}, which was given out: raise it"
    return (
        f": its code changed, its version {row.version} did not. If it gives other results for the"
        f" same input, raise the version in pipeline/kept/declared.py; then, or if not, {RECORD}"
    )


def main() -> int:
    old, new = recorded(), now()
    lines = unsaid(old, new)
    if "--write" in sys.argv:
        rows = (
            f'"{stage}" = {{ version = {row.version}, code = "{row.code}" }}\n'
            for stage, row in new.items()
        )
        LEDGER.write_text(HEAD + "".join(rows))
        lines = [f"recorded: {line.partition(':')[0]}" for line in lines]
    for line in lines:
        print(line)
    return int(bool(lines) and "--write" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
