"""The command line: what each command prints, changes and returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from layout import accept, lifecycle
from layout.accept import AcceptedRequest
from layout.beat import Beat
from layout.init import init
from layout.manifest import ErrorFile, read_job
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.cli import COMMANDS, cli, main
from pipeline.queues import QUEUES
from pipeline.submission import submit
from tests.support.drops import stl_file
from tests.support.hostile import immutable
from tests.support.hub import flux, lay


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return init(tmp_path / "atlas")[0]


@pytest.fixture
def run(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the console script would; returns exit code, stdout, stderr."""
    monkeypatch.setenv("INBOX3D_HOST__SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("INBOX3D_HOST_CONFIG", str(tmp_path / "host.toml"))
    (tmp_path / "host.toml").write_text("")

    def go(*arguments: str, at: str | None = str(atlas.root)) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inbox3d", *arguments])
        if at:
            monkeypatch.setenv("INBOX3D_ATLAS", at)
        else:
            monkeypatch.delenv("INBOX3D_ATLAS", raising=False)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return go


def submitted(atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> str:
    code, out, err = run("submit", str(stl_file(tmp_path / "part.stl")))
    assert code == 0, err
    return out.strip()


def failed(atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> str:
    id = submitted(atlas, run, tmp_path)
    job = read_job(atlas.disk, atlas.inbox / id)
    assert job is not None
    held = lifecycle.start(
        atlas,
        lifecycle.reveal(atlas, lifecycle.claim_job(atlas, id, "finish", id, 0)),
        "w-cpu-aaaa",
    )
    lifecycle.fail(
        atlas,
        held,
        ErrorFile(
            error="MeshEmpty", who="pipeline", message="Nothing there.", remedy="Add something."
        ),
    )
    return id


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """A person finds out by --help how it is called."""
    result: Result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example:" in result.output
    assert f"inbox3d {command}" in result.output


def test_help_starts_fast() -> None:
    """Below 0.3 s on a calm machine: the best of five counts, and nothing heavy is imported."""
    best = min(_seconds([sys.executable, "-m", "pipeline", "--help"]) for _ in range(5))
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipeline", "--help"],
        capture_output=True,
        text=True,
    ).stderr
    assert not any(
        f"| {name}\n" in listed.replace(" ", "").replace("|", "| ")
        for name in ("numpy", "pydantic", "torch", "open3d")
    )
    assert best < 0.3


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def test_no_atlas_is_a_named_error(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 4 and the three ways to name one."""
    code, out, err = run("jobs", at=None)
    assert (code, out) == (4, "")
    assert "--atlas" in err and "INBOX3D_ATLAS" in err and "host.toml" in err


def test_a_folder_without_a_tree_is_a_named_error(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """An unmounted share must not get a new tree by accident."""
    code, _, err = run("jobs", at=str(tmp_path))
    assert code == 4
    assert f"inbox3d init {tmp_path}" in err


def test_submit_prints_the_id_of_a_sealed_job(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Kind by content, checksums in the manifest, nothing left in drafts/."""
    id = submitted(atlas, run, tmp_path)
    job = read_job(atlas.disk, atlas.inbox / id)
    assert job is not None
    assert (job.kind, job.source.origin, job.manifest[0].path) == ("convert", "cli", "part.stl")
    assert job.manifest[0].sha256
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["--set", "colour=red"], "colour: there is no such option"),
        (["--set", "quality_tier=best"], "quality_tier"),
        (["--set", "seed"], "OPTION=VALUE"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    pairs: list[str],
    said: str,
) -> None:
    """Before anything is submitted."""
    code, out, err = run("submit", str(stl_file(tmp_path / "part.stl")), *pairs)
    assert (code in (2, 3), out) == (True, "")
    assert said in err
    assert [path.name for path in atlas.inbox.iterdir()] == []


def test_a_link_is_refused(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A drop is the files themselves."""
    (tmp_path / "drop").mkdir()
    stl_file(tmp_path / "drop" / "a.stl")
    (tmp_path / "drop" / "b.stl").symlink_to("/etc/passwd")
    code, _, err = run("submit", str(tmp_path / "drop"))
    assert code == 3
    assert "b.stl is a link" in err
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("size = 1", "a.stl has 284 of 1 bytes"),
        ("size = 284\nsha256 = '" + "0" * 64 + "'", "a.stl has other bytes"),
    ],
)
def test_a_folder_that_is_not_what_its_job_toml_lists_is_refused(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path, listed: str, words: str
) -> None:
    """In the words of the inbox, where such a drop waits; here nothing can still arrive."""
    (tmp_path / "drop").mkdir()
    stl_file(tmp_path / "drop" / "a.stl")
    (tmp_path / "drop" / "job.toml").write_text(
        f'kind = "convert"\n[[files]]\npath = "a.stl"\n{listed}\n'
    )
    code, out, err = run("submit", str(tmp_path / "drop"))
    assert (code, out) == (3, "")
    assert (
        f"drop is not what its job.toml lists: {words}" in err
        and "correct job.toml, then try again" in err
    )
    assert list(atlas.drafts.iterdir()) == []


def test_once_refuses_what_is_not_there(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 3: refused before submission."""
    code, out, err = run("once", "/nowhere/at/all")
    assert (code, out) == (3, "")
    assert "does not exist" in err


def test_once_makes_no_tree_on_an_empty_mount_point(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The share is away: only init makes trees."""
    (tmp_path / "mount").mkdir()
    code, out, err = run("once", str(stl_file(tmp_path / "part.stl")), at=str(tmp_path / "mount"))
    assert (code, out) == (4, "") and f"inbox3d init {tmp_path / 'mount'}" in err
    assert list((tmp_path / "mount").iterdir()) == []


def test_once_refuses_what_this_host_lacks_the_libraries_for(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would do the work itself, and would wait for ever."""
    monkeypatch.setitem(
        QUEUES, "finish", QUEUES["finish"]._replace(libraries=("a_library_that_nobody_has",))
    )
    code, out, err = run("once", str(stl_file(tmp_path / "part.stl")))
    assert (code, out) == (3, "")
    assert "pip install -c constraints.txt 'inbox3d[scan]'" in err
    assert list(atlas.drafts.iterdir()) == [] and list(atlas.inbox.glob("part*")) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--listen", "nonsense"], "'nonsense' is not HOST:PORT"),
        (["--devices", "gpu9"], "There is no device 'gpu9'"),
        (["--queues", "bogus"], "there is no queue 'bogus'"),
    ],
)
def test_up_names_what_it_cannot_use(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], said: list[str], words: str
) -> None:
    code, _, err = run("up", "--until-idle", *said)
    assert code == 2 and words in err


def test_once_refuses_a_backend_that_this_host_would_have_to_have(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody serves the kind and the weights are not here: said before anything is submitted."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run(
        "once", str(tmp_path / "cup.txt"), "--set", "kind=prompt", "--set", "backend=triposr"
    )
    assert (code, out) == (3, "")
    assert "this host lacks what triposr needs" in err and "`models pull` brings it" in err
    assert list(atlas.drafts.iterdir()) == []


def test_once_refuses_a_prompt_where_the_weights_are_there_and_not_whole(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is submitted; a missing tokenizer would make every word unknown."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    lay(
        tmp_path / "models" / "flux-schnell",
        {name: data for name, data in flux().items() if "tokenizer/" not in name},
    )
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run("once", str(tmp_path / "cup.txt"))
    assert (code, out) == (3, "")
    assert (
        "Model flux-schnell: the folder tokenizer/ is missing" in err
        and "inbox3d models pull flux-schnell" in err
    )
    assert list(atlas.drafts.iterdir()) == []


def test_submit_says_what_the_serving_host_finds_broken(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused by the model's file where it was asked for; else a job, and the words beside its id,
    also where it was taken before anybody could look."""
    (tmp_path / "cup.txt").write_text("a cup")
    said = Heartbeat(
        worker="far-gpu0-abcd", role="worker", counter=0, boot="", pid=1, queues=("views", "mesh")
    )
    beat = Beat(atlas, said, 15)
    lacks = "Model flux-schnell: text_encoder_2/config.json is missing."
    beat.able(("visual-hull",), {"triposr": "model.safetensors is a web page", "views": lacks})
    watching = said.model_copy(update={"worker": "far-intake-abcd", "role": "intake", "queues": ()})
    beats = [beat, Beat(atlas, watching, 15)]
    for each in beats:
        each.beat()
    try:
        command = ("submit", str(tmp_path / "cup.txt"), "--set")
        code, out, err = run(*command, "backend=triposr")
        assert (code, out) == (3, "") and "`inbox3d models pull` brings it" in err
        assert "on far-gpu0-abcd, the model triposr: model.safetensors is a web page" in err
        code, out, err = run(*command, "views=4")
        assert code == 0 and (atlas.inbox / out.strip()).is_dir()
        assert "made without what is broken on far-gpu0-abcd, the model triposr" in err
        real = submit.submit_path

        def taken_at_once(*given: object) -> Place:
            place = real(*given)  # type: ignore[arg-type]
            place.path.rename(atlas.processing / f"{place.id}@far-gpu0-abcd.1")
            return place

        monkeypatch.setattr(submit, "submit_path", taken_at_once)
        code, out, err = run(*command, "views=4")
        assert code == 0 and f"It waits: far-gpu0-abcd: {lacks}" in err
    finally:
        for each in beats:
            each.end()


@pytest.mark.parametrize("command", ["once", "submit"])
def test_a_backend_that_there_is_not_is_called_so(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path, command: str
) -> None:
    """A slip of the pen is no lack of weights, which `models pull` could bring."""
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run(command, str(tmp_path / "cup.txt"), "--set", "backend=triposrr")
    assert (code, out) == (3, "")
    assert (
        "there is no backend 'triposrr'" in err
        and "Ask for auto or one of instantmesh, triposr, visual-hull, placeholder" in err
    )
    assert list(atlas.drafts.iterdir()) == []


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


def test_retry_sends_a_failed_job_back_under_its_id(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The same folder, by one rename."""
    id = failed(atlas, run, tmp_path)
    assert run("retry", id)[1].strip() == id
    assert (atlas.inbox / id).is_dir()


def test_retry_of_a_done_job_is_a_new_job_with_a_copy(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The done one stays; the new one names it."""
    id = submitted(atlas, run, tmp_path)
    held = lifecycle.start(
        atlas,
        lifecycle.reveal(atlas, lifecycle.claim_job(atlas, id, "finish", id, 0)),
        "w-cpu-aaaa",
    )
    lifecycle.finish(atlas, held)
    new = run("retry", id)[1].strip()
    job = read_job(atlas.disk, atlas.inbox / new)
    assert job is not None
    assert (job.retry_of, job.source.name) == (id, "part.stl")
    assert (atlas.done / id).is_dir()


def test_cancel_puts_a_waiting_job_into_failed_with_the_reason(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Once; a second time it has ended already."""
    id = submitted(atlas, run, tmp_path)
    assert run("cancel", id)[0] == 0
    assert "Cancelled by a person" in (atlas.failed / id / "error.txt").read_text()
    code, _, err = run("cancel", id)
    assert code == 3
    assert "has ended already" in err


def test_rm_moves_an_ended_job_to_the_trash_and_no_other(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """It is kept there; gc leaves it until its days are over."""
    waiting = submitted(atlas, run, tmp_path)
    assert run("rm", waiting)[0] == 3
    run("cancel", waiting)
    assert run("rm", waiting)[0] == 0
    kept = [path.name for path in atlas.trash.iterdir()]
    assert len(kept) == 1 and waiting in kept[0]
    assert "0 would go" in run("gc", "--dry-run")[2]
    assert [path.name for path in atlas.trash.iterdir()] == kept
    assert run("restore", waiting)[0] == 0
    assert list(atlas.trash.iterdir()) == []
    assert (atlas.failed / waiting / "error.txt").is_file()
    assert run("restore", waiting)[0] == 3


def test_gc_removes_what_is_due_and_dry_run_does_not(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]]
) -> None:
    """The pipeline's own leftovers are due at once."""
    (atlas.trash / "2026-01-01~x-work.abcd").mkdir()
    (atlas.trash / "2026-01-01~x-work.abcd/a.bin").write_bytes(b"x" * 100_000)
    (atlas.trash / "2026-01-01~x-file.abcd").write_bytes(b"x" * 100_000)
    _, out, err = run("gc", "--dry-run")
    assert "x-work" in out and out.count(" kB") == 2
    assert int(err.partition("(")[2].split()[0]) >= 200_000
    assert len(list(atlas.trash.iterdir())) == 2
    assert run("gc")[0] == 0
    assert list(atlas.trash.iterdir()) == []


def test_halt_and_resume(atlas: Atlas, run: Callable[..., tuple[int, str, str]]) -> None:
    """HALT in any case, in the root and in inbox/, is taken away."""
    assert run("halt")[0] == 0
    assert atlas.halted() == "HALT"
    (atlas.inbox / "halt.txt").touch()
    assert run("resume")[0] == 0
    assert atlas.halted() is None


def test_init_proves_every_edge_and_can_be_repeated(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A second init keeps the identity; --restored starts a new epoch."""
    assert "test renames passed" in run("init", str(tmp_path / "new"))[2]
    first = Atlas(tmp_path / "new").identity()
    run("init", str(tmp_path / "new"))
    assert Atlas(tmp_path / "new").identity() == first
    run("init", str(tmp_path / "new"), "--restored")
    assert (Atlas(tmp_path / "new").identity().uuid, Atlas(tmp_path / "new").identity().epoch) == (
        first.uuid,
        2,
    )


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


@pytest.mark.parametrize(
    "command",
    [("up", "--queues", "views", "--devices", "cpu"), ("serve", "views", "--device", "cpu")],
)
def test_a_flux_model_that_is_not_there_is_named_before_anything_starts(
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """Exit code 3 and how to get it, not a job that waits for it."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FLUX_MODEL", "black-forest-labs/FLUX.1-dev")
    code, out, err = run(*command)
    assert (code, out) == (3, "")
    assert "Model flux-dev: is not in the models folder." in err
    assert "inbox3d models pull flux-dev" in err


def test_a_service_that_others_reach_needs_a_key(run: Callable[..., tuple[int, str, str]]) -> None:
    """As the web layer does; the default is loopback."""
    code, _, err = run("serve", "mesh", "--device", "cpu", "--listen", "0.0.0.0:0")
    assert code == 3
    assert "inbox3d keys add" in err


def test_an_unknown_command_is_a_usage_error(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 2, and where the list is."""
    code, _, err = run("dance")
    assert code == 2
    assert "There is no command 'dance'" in err


def test_states_are_the_folders(atlas: Atlas) -> None:
    """What `show` calls a state is the folder's name."""
    assert sorted(
        name for name in os.listdir(atlas.root) if name in {state.value for state in State}
    ) == sorted(state.value for state in State)


def test_a_missing_right_is_said_in_words_not_in_a_traceback(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A trash that somebody made immutable, say: what it is and how to mend it."""
    id = failed(atlas, run, tmp_path)
    with immutable(atlas.trash):
        code, _, err = run("rm", id)
    assert code == 4 and "Traceback" not in err and "chattr -i trash" in err
    assert str(atlas.failed / id) in err
    assert run("rm", id)[0] == 0
