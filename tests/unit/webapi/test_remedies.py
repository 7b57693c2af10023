"""A remedy is an action; where the job is run again is said by whoever shows it, in the words of those who read there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from layout.manifest import ErrorFile
from layout.mend import error_page
from layout.tree import Atlas, State
from pipeline import errors
from pipeline.cli import look
from pipeline.cli.look import show
from pipeline.config.fields import Group
from pipeline.config.groups import Settings, Workers
from tests.support.texts import sentences
from tests.support.web import PLY, forge

SHARE = (
    "back to inbox",
    "drag the folder",
    "move the folder",
    "this whole folder",
    "beside this file",
)
SETTING = re.compile(r"\[{1,2}(host\.workers|[a-z]+)\]{1,2} ([a-z_]+)\b")
# they write what is read at the share: error.txt, and the attention section of STATUS.txt
SPEAK_OF_IT = {
    "layout/mend.py",
    "pipeline/watchers/reaper.py",
    "pipeline/watchers/finished.py",
    "pipeline/watchers/status_text.py",
}


@pytest.mark.slow
def test_only_what_is_read_at_the_share_tells_to_move_a_folder(root: Path) -> None:
    """A remedy may be read on a page or in a terminal, where there is no folder to move."""
    said = {
        str(file.relative_to(root))
        for package in ("layout", "pipeline", "webapi")
        for file in (root / package).rglob("*.py")
        for text in sentences(file)
        if any(words in text for words in SHARE)
    }
    assert said == SPEAK_OF_IT


def test_a_setting_that_is_named_in_words_exists(root: Path) -> None:
    """As `[host] scratch` or `[[host.workers]] memory_gb`, in any text of the program."""
    named = {
        found
        for package in ("layout", "pipeline", "webapi")
        for file in (root / package).rglob("*.py")
        for text in sentences(file)
        for found in SETTING.findall(text)
    }
    prose = {"in", "setting"}  # of a whole group
    unknown = {(row, key) for row, key in named if key not in {*fields(row), *prose}}
    assert len(named) > 10 and not unknown


def fields(row: str) -> Collection[str]:
    """What may be set in [ROW] of the settings."""
    if row == "host.workers":
        return Workers.model_fields
    group = Settings.model_fields[row].annotation if row in Settings.model_fields else None
    return group.model_fields if isinstance(group, type) and issubclass(group, Group) else ()


def test_every_error_says_what_to_do_in_words_of_its_own_kind() -> None:
    """No remedy merely points somewhere, and none of a failure of memory, time or disk leaves out
    the setting."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert not [kind for kind in kinds if kind.remedy.startswith("Look")]
    for name, setting in (
        ("HostFault", "[host] scratch"),
        ("TimeExceeded", "[worker] deadline"),
        ("MemoryExceeded", "[[host.workers]] memory_gb"),
    ):
        assert setting in getattr(errors, name).remedy


@pytest.mark.parametrize(
    ("who", "acts", "log"),
    [
        ("submitter", "whoever sent it", False),
        ("operator", "whoever runs inbox3d", False),
        ("pipeline", "whoever runs inbox3d", True),
    ],
)
def test_each_reader_is_told_who_acts_and_where_the_log_is(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None], who: Any, acts: str, log: bool
) -> None:
    """error.txt, the page and the terminal: in the same words, the log where one stands to be read."""
    error = ErrorFile(error="StageFailed", who=who, message="It broke.", remedy="Read the log.")
    place = forge(atlas, State.FAILED, error=error)
    look()
    text = error_page(error, None)
    assert f"What to do, for {acts}\n" in text and ("log.txt in this folder" in text) is log
    page = client.get(f"/jobs/{place.id}", headers={"Accept": "text/html"}).text
    assert f"for {acts}" in page[page.index("fault-box") :].partition("</section>")[0]
    shown = CliRunner().invoke(show, [place.id, "--atlas", str(atlas.root)]).output
    assert acts in shown and (str(place.path / "log.txt") in shown) is log


def test_no_page_tells_to_move_a_folder(root: Path) -> None:
    texts = [file.read_text() for file in (root / "webapi/templates").glob("*.html")]
    assert texts and not any(words in text for text in texts for words in SHARE)


@pytest.mark.parametrize("kind", ["InputRejected", "StageFailed", "Cancelled"])
def test_error_txt_tells_the_action_and_then_where_to_move_the_folder(kind: str) -> None:
    error: errors.PipelineError = getattr(errors, kind)()
    said = ErrorFile(error=kind, who="submitter", message=error.message, remedy=error.remedy)
    page = error_page(said, None)
    assert error.remedy in page
    assert page.index("How to try again") < page.index("Move this whole folder back to inbox/")


def test_the_page_of_a_failed_job_speaks_of_its_button(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """What happened, what to do, and Retry; nothing of folders."""
    place = forge(atlas, State.FAILED)
    look()
    page = client.get(f"/jobs/{place.id}", headers={"Accept": "text/html"}).text
    box = page[page.index("fault-box") :].partition("</section>")[0]
    assert "Scan again." in box and "Retry runs it again" in box and "inbox" not in box
    assert client.get(f"/3d/jobs/{place.id}").json["remedy"] == "Scan again."


def test_a_job_in_done_without_a_result_is_not_called_cancelled(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """Somebody moved it there: the page and the API say that it is not finished, and what to do."""
    place = forge(atlas, State.DONE)
    atlas.disk.remove_tree(place.path / "output")
    look()
    found = client.get(f"/3d/jobs/{place.id}").json
    assert (found["state"], found["remedy"]) == ("failed", "Run it again, or delete it.")
    assert found["error"]["error"] == "NotFinished"
    page = client.get(f"/jobs/{place.id}", headers={"Accept": "text/html"}).text
    assert "it is not finished" in page and "cancelled" not in page.lower()


def test_a_cancelled_job_is_told_by_its_error_and_not_by_its_words(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """A job that failed with the very word is none that a person cancelled."""
    said = [
        ErrorFile(error=kind, who="submitter", message="cancelled", remedy="Look.")
        for kind in ("Cancelled", "StageFailed")
    ]
    places = [forge(atlas, State.FAILED, error=error) for error in said]
    look()
    pages = [client.get(f"/jobs/{p.id}", headers={"Accept": "text/html"}).text for p in places]
    assert ["It was cancelled" in page for page in pages] == [True, False]


def test_a_submitted_file_that_is_cut_off_is_to_be_tried_again_here(
    client: FlaskClient, atlas: Atlas
) -> None:
    """Over REST and in a terminal: the action, then try again."""
    from io import BytesIO

    part = (BytesIO(b"\0" * 4096), "a.ply.part")
    answer = client.post(
        "/3d/from-scan",
        data={"files": [part, (BytesIO(PLY), "b.ply")]},
        headers={"Host": "localhost"},
    )
    assert answer.status_code == 422 and "inbox" not in answer.json["remedy"]


def test_show_in_a_terminal_tells_the_action_and_the_command(atlas: Atlas) -> None:
    place = forge(atlas, State.FAILED)
    shown = CliRunner().invoke(look.show, [place.id, "--atlas", str(atlas.root)]).output
    assert "remedy    Scan again." in shown and f"inbox3d retry {place.id}" in shown
