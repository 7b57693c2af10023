"""The commands of the web layer: keys, reindex, web, and where it listens."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from layout.tree import Atlas, State
from pipeline import config
from pipeline.cli.web import keys, reindex, web
from pipeline.config import SettingsRefused, Web
from tests.support.web import forge
from webapi.access.keys import Keys, signing_secret, write_secret
from webapi.serving.server import KeyMissing


@pytest.fixture
def run(atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("INBOX3D_ATLAS", str(atlas.root))
    monkeypatch.setenv("INBOX3D_HOST__SCRATCH", str(tmp_path / "state" / "scratch"))
    return lambda command, *arguments: CliRunner().invoke(command, arguments)


def test_a_key_is_made_listed_and_revoked(run: Callable[..., Result], atlas: Atlas) -> None:
    """Shown once, on stdout alone; afterwards only its id, scope and name."""
    made = run(keys, "add", "anna", "--scope", "read")
    key = made.stdout.strip()
    assert made.exit_code == 0 and Keys(atlas).check(key) is not None
    listed = run(keys, "list").stdout
    assert "anna" in listed and "read" in listed and key.split("_", 2)[2] not in listed
    assert run(keys, "revoke", key.split("_")[1]).exit_code == 0
    assert Keys(atlas).check(key) is None and run(keys, "list").stdout == ""


def test_an_unclear_name_revokes_nothing(run: Callable[..., Result], atlas: Atlas) -> None:
    """No such key, or two of one name (two hosts made them at once): the ids decide."""
    run(keys, "add", "anna")
    run(keys, "add", "other")
    write_secret(atlas, atlas.disk.read(atlas.keys_file).replace(b'"other"', b'"anna"'))
    refused = [run(keys, "revoke", name) for name in ("bert", "anna")]
    assert [done.exit_code for done in refused] == [3, 3] and len(Keys(atlas).all()) == 2


@pytest.mark.parametrize("name", ["anna", " ", "a\nb", "x" * 101])
def test_a_name_that_no_key_can_have_is_refused(
    run: Callable[..., Result], atlas: Atlas, name: str
) -> None:
    """One that is taken, none at all, one that would break a list."""
    run(keys, "add", "anna")
    refused = run(keys, "add", name)
    assert (refused.exit_code, refused.stdout) == (3, "") and "inbox3d keys list" in refused.stderr
    assert len(Keys(atlas).all()) == 1


def test_the_webhook_secret_is_printed_as_libraries_take_it(
    run: Callable[..., Result], atlas: Atlas
) -> None:
    text = run(keys, "webhook").stdout.strip()
    assert text.startswith("whsec_") and base64.b64decode(
        text.removeprefix("whsec_")
    ) == signing_secret(atlas)


def test_reindex_says_how_many_jobs_it_found(run: Callable[..., Result], atlas: Atlas) -> None:
    for state in State:
        forge(atlas, state)
    assert run(reindex).stderr.startswith("5 jobs in ")


def test_web_refuses_an_address_that_others_reach_while_there_is_no_key(
    run: Callable[..., Result],
) -> None:
    assert isinstance(run(web, "--listen", "0.0.0.0:0").exception, KeyMissing)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("", ("127.0.0.1", 8000)),
        ("9000", ("127.0.0.1", 9000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:81", ("::1", 81)),
        (":82", ("127.0.0.1", 82)),
    ],
)
def test_where_to_listen_is_read_as_people_write_it(listen: str, expected: tuple[str, int]) -> None:
    assert config.address(listen, Web()) == expected


@pytest.mark.parametrize("listen", ["localhost", "host:port", "1.2.3.4:70000", "x:-1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(SettingsRefused, match="HOST:PORT"):
        config.address(listen, Web())
