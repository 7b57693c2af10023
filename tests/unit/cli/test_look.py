"""Commands that only look."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from layout import accept, lifecycle
from layout.accept import AcceptedRequest
from layout.manifest import ErrorFile
from layout.tree import Atlas, State
from tests.unit.cli.test_commands import failed


def test_show_tells_state_job_and_error(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """--json holds job_id, state (the folder), job, progress and error."""
    id = failed(atlas, run, tmp_path)
    code, out, _ = run("show", id, "--json")
    shown = json.loads(out)
    assert code == 0
    assert (shown["job_id"], shown["state"], shown["error"]["message"], shown["progress"]) == (
        id,
        "failed",
        "Nothing there.",
        None,
    )
    assert shown["job"]["source"]["name"] == "part.stl"
    assert "Add something." in run("show", id)[1]
    assert run("show", "nobody-0123456789")[0] == 3


def test_jobs_lists_by_state(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """One line a job, with what matters in its state."""
    id = failed(atlas, run, tmp_path)
    code, out, _ = run("jobs")
    assert code == 0
    assert out.split()[:3] == ["failed", "convert", id]
    assert run("jobs", "--state", "done")[1] == ""


def test_a_refused_drop_has_no_kind_and_its_name_forges_no_line(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]]
) -> None:
    """Nobody found out what it is; a line end in its name is shown escaped."""
    (atlas.inbox / "vase\n  state     done").mkdir()
    shell = lifecycle.claim_drop(atlas, "vase\n  state     done", lifecycle.REFUSED)
    job = accept.job_of(atlas, shell, AcceptedRequest(None, {}, frozenset(), "refused"))
    error = ErrorFile(
        error="InputRejected", who="submitter", message="This is nothing.", remedy="Drop a scan."
    )
    lifecycle.refuse(atlas, shell, job, error)
    assert run("jobs")[1].split() == ["failed", "–", shell.id, "This", "is", "nothing."]
    shown = run("show", shell.id)[1]
    assert "kind      –\n" in shown and "vase\\x0a  state     done" in shown
    assert [line for line in shown.splitlines() if line.startswith("  state")] == [
        "  state     failed"
    ]


@pytest.mark.slow
def test_doctor_names_what_is_missing_with_its_remedy(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]]
) -> None:
    """For people and for machines; a stranger's folder in done/ is named."""
    (atlas.done / "holiday pictures").mkdir()
    code, out, _ = run("doctor", "--json")
    findings = json.loads(out)
    assert code == 0 or any(finding["level"] == "wrong" for finding in findings)
    assert any(finding["what"] == "Atlas" and finding["level"] == "fine" for finding in findings)
    assert any("holiday pictures" in finding["detail"] for finding in findings)
    assert all(finding["remedy"] for finding in findings if finding["level"] != "fine")


def test_states_are_the_folders(atlas: Atlas) -> None:
    """What `show` calls a state is the folder's name."""
    assert sorted(
        name for name in os.listdir(atlas.root) if name in {state.value for state in State}
    ) == sorted(state.value for state in State)
