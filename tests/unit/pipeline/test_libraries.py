"""What a confined engine may read of what its modules are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import libraries


@pytest.mark.parametrize("folder", ["site-packages", "modules"])
def test_a_confined_engine_imports_from_wherever_its_packages_were_installed(
    folder: str, root: Path, tmp_path: Path
) -> None:
    """By `pip install --user`, or named by PYTHONPATH; each job failed there at its first late import."""
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "late.py").write_text("print('imported')")
    (tmp_path / "work").mkdir()
    code = (
        f"import sys; sys.path.append({str(tmp_path / folder)!r})\n"
        "from pathlib import Path; from pipeline.gpu import sandbox\n"
        f"sandbox.confine([], [Path({str(tmp_path / 'work')!r})])\n"
        "import late"
    )
    named = f":{tmp_path / folder}" if folder == "modules" else ""
    environment = os.environ | {"PYTHONPATH": f"{root}{named}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "imported\n", done.stderr


def test_neither_the_working_folder_nor_one_that_holds_a_home_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    home = str(libraries._home())
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/", home, *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/", home]))
    found = libraries.folders()
    assert not {Path(), tmp_path, Path("/"), Path(home)} & set(found)
