"""Pulling from a hub: exactly the files that are loaded, one copy, resumed, compared; and every fault of a hub in words."""

from __future__ import annotations

import collections
import hashlib
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.weights import assembling, line, loading, place
from tests.support import tiny
from tests.support.hub import (
    BESIDE,
    COMMIT,
    FakeHub,
    Fault,
    cut,
    flux,
    instead,
    klein,
    safetensors,
    serving,
    status,
    triposg,
)

REPO = "black-forest-labs/FLUX.1-schnell"
FIRST = "transformer/diffusion_pytorch_model-00001-of-00002.safetensors"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub with FLUX and all that lies beside it; pauses are counted, not waited for."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_TOKEN_PATH", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(line, "pause", lambda seconds: None)
    with serving({**BESIDE, **flux()}) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


def pulled(tmp_path: Path, name: str = "flux-schnell", **how: Any) -> list[str]:
    """What was said meanwhile; the model is whole afterwards, and nothing else lies in the models folder."""
    said: list[str] = []
    assert (
        weights.pull(name, tmp_path / "models", tell=said.append, **how)
        == tmp_path / "models" / name
    )
    assert [path.name for path in (tmp_path / "models").iterdir()] == [name]
    assert [(row.name, row.problem) for row in weights.verify(tmp_path / "models")] == [
        (name, None)
    ]
    return said


def refused(tmp_path: Path, name: str = "flux-schnell", **how: Any) -> tuple[str, str]:
    """The message and the remedy; no model is there."""
    with pytest.raises(BackendUnavailable) as caught:
        weights.pull(name, tmp_path / "models", **how)
    assert not (tmp_path / "models" / name).exists()
    assert "Error" not in caught.value.message and "\n" not in caught.value.message
    return caught.value.message, caught.value.remedy


def test_what_is_loaded_is_fetched_and_nothing_else(tmp_path: Path, hub: FakeHub) -> None:
    """No single-file copy, no half precision, no other framework, no readme; each once; at the pinned revision."""
    pulled(tmp_path)
    assert hub.fetched() == sorted(flux())
    assert (
        max(collections.Counter(words for words in hub.asked if words.startswith("GET ")).values())
        == 1
    )
    on_disk = {
        path.relative_to(tmp_path / "models" / "flux-schnell").as_posix(): path
        for path in (tmp_path / "models").rglob("*")
        if path.is_file()
    }
    assert {name: on_disk[name].read_bytes() for name in flux()} == flux()
    assert on_disk.keys() - flux().keys() == {"model.json"}
    record = json.loads(on_disk["model.json"].read_text())
    assert record["origin"] == {"hub": REPO, "revision": COMMIT}
    assert {name: row["sha256"] for name, row in record["files"].items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in flux().items()
    }


def test_of_triposg_the_published_files_that_are_loaded_are_fetched(
    tmp_path: Path, hub: FakeHub
) -> None:
    """Its parts belong to its publisher's own classes, and are found by the files' names all the same."""
    own = triposg(tmp_path / "published")
    beside = {"README.md": b"# a model", ".gitattributes": b"x", "aibom.json": b"{}"}
    beside |= {"vae/diffusion_pytorch_model.fp16.safetensors": safetensors(a=1)}
    beside |= {"image_encoder_dinov2/pytorch_model.bin": b"\x80\x02"}
    hub.files = beside | own
    pulled(tmp_path, "triposg")
    assert hub.fetched() == sorted(own)
    assert sorted(own) == [
        "feature_extractor_dinov2/preprocessor_config.json",
        "image_encoder_dinov2/config.json",
        "image_encoder_dinov2/model.safetensors",
        "model_index.json",
        "scheduler/scheduler_config.json",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    folder = tmp_path / "models" / "triposg"
    for name in own:  # each is needed
        (folder / name).rename(folder / "away")
        assert weights.problem(tmp_path / "models", "triposg"), name
        (folder / "away").rename(folder / name)
    assert weights.problem(tmp_path / "models", "triposg") is None
    assert "triposg" in weights.backends(tmp_path / "models")
    for part in ("transformer", "vae", "image_encoder_dinov2"):
        assembling.load(folder, part)


@pytest.mark.parametrize(
    ("name", "distilled"), [("flux2-klein", True), ("flux2-klein-base", False)]
)
def test_of_flux2_klein_the_files_that_are_loaded_are_fetched(
    tmp_path: Path, hub: FakeHub, name: str, distilled: bool
) -> None:
    """With the template of its chat, without which no prompt can be put to it."""
    hub.files = {**BESIDE, "text_encoder/generation_config.json": b"{}", **klein(distilled)}
    pulled(tmp_path, name)
    assert hub.fetched() == sorted(klein(distilled))
    assert "flux2" in weights.backends(tmp_path / "models")


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("flux2-klein", klein(distilled=False), "looks like flux2-klein-base"),
        ("flux2-klein-base", klein(), "looks like flux2-klein: "),
        ("flux2-klein", klein(joint_attention_dim=12_288), "looks like FLUX.2-klein-9B, whose licence is non-commercial"),
        ("flux2-klein", flux(), "is a FluxPipeline, and flux2-klein is a Flux2KleinPipeline"),
        ("flux-schnell", klein(), "names no text_encoder_2"),
    ],
)  # fmt: skip
def test_another_model_of_the_family_is_not_taken_for_the_one_that_was_named(
    tmp_path: Path, hub: FakeHub, name: str, files: dict[str, bytes], words: str
) -> None:
    """Of few steps or of many, of 4 B or of 9 B parameters: they have the same parts."""
    hub.files = files
    assert words in refused(tmp_path, name)[0]


@pytest.mark.slow
def test_low_rank_changes_are_pulled_as_one_file_and_serve_for_no_backend(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = weights.KNOWN["flux2-klein-depth"].file
    tensors = {"diffusion_model.a.lora_A.weight": torch.ones(2, 8), "diffusion_model.a.lora_B.weight": torch.ones(4, 2)}  # fmt: skip
    hub.files = {file: save(tensors), "README.md": b"x"}
    known = weights.KNOWN["flux2-klein-depth"]
    with monkeypatch.context() as patch:
        digest = hashlib.sha256(hub.files[file]).hexdigest()
        patch.setitem(weights.KNOWN, known.name, known._replace(sha256=digest))
        pulled(tmp_path, known.name)
    assert hub.fetched() == [file]
    assert not {"lora", "flux2"} & {
        *weights.backends(tmp_path / "models"),
        *weights.known_backends(),
    }
    shutil.rmtree(tmp_path / "models")
    assert "is not the published flux2-klein-depth" in refused(tmp_path, known.name)[0]


@pytest.mark.parametrize("ways", ["through", "plain"])
def test_hubs_that_redirect_small_files_and_mirrors_that_tell_sizes_alone_serve_too(
    tmp_path: Path, hub: FakeHub, ways: str
) -> None:
    hub.ways = ways
    pulled(tmp_path)
    assert weights.facts(tmp_path / "models" / "flux-schnell")["origin"]["revision"] == COMMIT


def test_another_revision_is_asked_for_by_name_and_recorded_by_its_commit(
    tmp_path: Path, hub: FakeHub
) -> None:
    pulled(tmp_path, revision="refs/pr/1")
    assert hub.revisions == {COMMIT}
    assert weights.facts(tmp_path / "models" / "flux-schnell")["origin"]["revision"] == COMMIT


def test_small_files_come_first(tmp_path: Path, hub: FakeHub) -> None:
    """So that a fault in them shows before 24 GB are there."""
    pulled(tmp_path)
    assert [words for words in hub.asked if words.startswith("GET ")][-2:] == [
        f"GET {FIRST}",
        f"GET store {FIRST}",
    ]


def test_a_second_pull_fetches_nothing_and_a_damaged_file_alone_comes_again(
    tmp_path: Path, hub: FakeHub
) -> None:
    pulled(tmp_path)
    hub.asked.clear()
    pulled(tmp_path)
    assert hub.fetched() == []
    path = tmp_path / "models" / "flux-schnell" / FIRST
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (tmp_path / "models" / "flux-schnell" / "tokenizer" / "vocab.json").unlink()
    assert weights.verify(tmp_path / "models")[0].problem
    pulled(tmp_path)
    assert hub.fetched() == ["tokenizer/vocab.json", FIRST]


@pytest.mark.parametrize("ends", ["line", "process"])
def test_an_interrupted_pull_goes_on_where_it_ended(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """A line that is cut is taken up at once, by a range; a pull that was killed by the next pull."""
    hub.faults[f"GET store {FIRST}"] = [cut(5000)]
    if ends == "process":
        killed = _after(line.Line._once, f"/store/{FIRST}", KeyboardInterrupt)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(line.Line, "_once", killed)
            weights.pull("flux-schnell", tmp_path / "models")
        assert weights.problem(tmp_path / "models", "flux-schnell") == "is not in the models folder"
        row = next(
            row for row in weights.listing(tmp_path / "models") if row.name == "flux-schnell"
        )
        assert (row.present, "partly fetched" in row.note) == (False, True)
    pulled(tmp_path)
    assert hub.ranges == [f"GET store {FIRST} bytes=5000-"]


def _after(call: Any, place: str, error: type[BaseException]) -> Any:
    """CALL, but ERROR when PLACE is asked for the second time."""
    seen: list[str] = []

    def once(self: Any, request: Any) -> Any:
        seen.append(request.full_url)
        if sum(place in url for url in seen) > 1:
            raise error
        return call(self, request)

    return once


def test_a_store_that_knows_no_ranges_gives_the_file_from_the_start(
    tmp_path: Path, hub: FakeHub
) -> None:
    data = hub.files[FIRST]
    hub.faults[f"GET store {FIRST}"] = [cut(5000), instead(data)]
    pulled(tmp_path)


@pytest.mark.parametrize(
    "fault", [status(429, Retry_After="7"), status(503), status(500), status(502)]
)
def test_a_busy_hub_is_asked_again(tmp_path: Path, hub: FakeHub, fault: Fault) -> None:
    hub.faults = {
        "GET list": [fault],
        f"HEAD {FIRST}": [fault, fault],
        f"GET store {FIRST}": [fault],
    }
    assert any("busy" in words for words in pulled(tmp_path))


def test_a_hub_that_stays_busy_is_named(tmp_path: Path, hub: FakeHub) -> None:
    hub.faults["GET list"] = [status(429)] * 9
    message, remedy = refused(tmp_path)
    assert "429" in message and "later" in remedy
    assert hub.asked.count("GET list") == 4


@pytest.mark.parametrize(
    ("token", "fault", "words"),
    [
        (None, status(401, "GatedRepo"), "no token is set"),
        (None, status(401), "no token is set"),
        (None, status(401, "RepoNotFound"), "no token is set"),
        ("hf_old", status(401), "does not accept the token"),
        ("hf_mine", status(403, "GatedRepo"), "does not open for this token"),
    ],
)
@pytest.mark.parametrize("where", ["GET list", f"HEAD {FIRST}", f"GET {FIRST}"])
def test_a_gated_model_names_the_licence_the_token_and_how_to_set_it(
    tmp_path: Path, hub: FakeHub, token: str | None, fault: Fault, words: str, where: str
) -> None:
    hub.faults[where] = [fault]
    message, remedy = refused(tmp_path, token=token)
    assert words in message
    for part in (
        f"https://huggingface.co/{REPO}",
        "HF_TOKEN=",
        "--token",
        "https://huggingface.co/settings/tokens",
    ):
        assert part in remedy
    assert token is None or token not in message + remedy


def test_the_token_goes_to_the_hub_and_never_to_its_store_elsewhere(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has another name: the same server, called localhost."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    outer, hub.url = hub.url, hub.url.replace("127.0.0.1", "localhost")
    pulled(tmp_path)
    told = dict(zip(hub.asked, hub.tokens, strict=True))
    assert told["GET list"] == told[f"GET {FIRST}"] == "Bearer hf_secret"
    assert outer != hub.url and told[f"GET store {FIRST}"] is None


def test_a_token_that_the_hubs_own_login_keeps_is_used(tmp_path: Path, hub: FakeHub) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text("hf_kept\n")
    pulled(tmp_path)
    assert hub.tokens[0] == "Bearer hf_kept"


@pytest.mark.parametrize(
    ("where", "fault", "words"),
    [
        (
            "GET list",
            status(404, "RevisionNotFound"),
            "has no revision 741f7c3ce8b383c54771c7003378a50191e9efe9",
        ),
        ("GET list", status(404, "RepoNotFound"), "is not there"),
        ("HEAD vae/config.json", status(404, "EntryNotFound"), "has no vae/config.json"),
        (
            "GET list",
            instead(b"<!DOCTYPE html><p>Log in", Content_Type="text/html"),
            "a web page in place of its list",
        ),
        ("GET list", instead(b"[]"), "something else in place of its list"),
        ("GET list", status(302, Location="/api/models/again"), "never arrives"),
        ("GET list", status(302, Location="ftp://e.org/"), "302"),
    ],
)
def test_what_the_hub_lacks_or_says_wrongly_is_named(
    tmp_path: Path, hub: FakeHub, where: str, fault: Fault, words: str
) -> None:
    hub.faults[where] = [fault] * 9
    message, remedy = refused(tmp_path)
    assert words in message and REPO in message and remedy


PAGE = b"<!DOCTYPE html><title>Sign in</title>" + b" " * 20000


@pytest.mark.parametrize(
    ("name", "other", "words"),
    [
        (FIRST, PAGE, "is a web page"),
        (
            FIRST,
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a git-LFS pointer",
        ),
        (FIRST, safetensors(a=2999), "the hub says"),
        (FIRST, safetensors(x=3000), "its checksum differs"),
        ("vae/diffusion_pytorch_model.safetensors", safetensors(v=6), "the hub says"),
        ("tokenizer/vocab.json", b'{"a": 2}', "its checksum differs"),
        ("tokenizer/vocab.json", b"", "is empty"),
    ],
)
@pytest.mark.parametrize("always", [False, True])
def test_a_file_that_differs_is_named_and_fetched_again(
    tmp_path: Path, hub: FakeHub, name: str, other: bytes, words: str, always: bool
) -> None:
    large = name.endswith(".safetensors")
    where = f"GET store {name}" if large else f"GET {name}"
    hub.faults[where] = [instead(other)] * (99 if always else 1)
    if always:
        message, _ = refused(tmp_path)
        assert name in message and words in message
    else:
        said = [told for told in pulled(tmp_path) if "again" in told]
        assert len(said) == 1 and name in said[0] and words in said[0]


def test_a_repository_with_a_shard_or_tokenizer_missing_is_refused_before_the_large_files(
    tmp_path: Path, hub: FakeHub
) -> None:
    for gone in (
        FIRST,
        "tokenizer_2/spiece.model",
        "scheduler/scheduler_config.json",
        "model_index.json",
    ):
        kept = hub.files.pop(gone)
        hub.asked.clear()
        assert gone.rpartition("/")[2] in refused(tmp_path)[0]
        assert not any("store" in words for words in hub.asked)
        hub.files[gone] = kept


def test_another_model_under_the_name_is_refused(tmp_path: Path, hub: FakeHub) -> None:
    hub.files |= flux(guided=True)
    assert "looks like flux-dev" in refused(tmp_path)[0]


def test_too_little_room_is_said_with_both_sizes_before_anything_large_is_fetched(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 9_000))
    message, remedy = refused(tmp_path)
    assert (
        "needs 1" in message
        and "9 kB are free" in message
        and "models" in message
        and "Free " in remedy
    )
    assert not any("store" in words for words in hub.asked)


def test_a_disk_that_fills_meanwhile_leaves_no_half_model(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    message, remedy = refused(tmp_path)
    assert "is full" in message and "Free some space" in remedy


@pytest.mark.parametrize("offline", ["variable", "no name", "nobody listens"])
def test_without_internet_one_line_says_so_at_once(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, offline: str
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(line, "pause", waits.append)
    if offline == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elif offline == "no name":

        def unknown(*_: Any, **__: Any) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    else:
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("flux-schnell", "triposr"):
        message, remedy = refused(tmp_path, name)
        assert (
            weights.KNOWN[name].hub in message
            and f"inbox3d models pull {name}" in remedy
            and "inbox3d models import" in remedy
        )
    assert (waits, hub.asked) == ([], [])


def test_a_checkpoint_needs_torch_and_says_so_before_it_is_fetched(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message, remedy = refused(tmp_path, "triposr")
    assert "needs torch" in message and "inbox3d[generate]" in remedy and hub.asked == []


def test_a_folder_needs_no_library_at_all(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("huggingface_hub", "torch", "requests"):
        monkeypatch.setitem(sys.modules, name, None)
    weights.pull("flux-schnell", tmp_path / "models")
    assert weights.problem(tmp_path / "models", "flux-schnell") is None


def test_two_pulls_of_one_model_do_not_meet(tmp_path: Path, hub: FakeHub) -> None:
    with place.alone(tmp_path / "models", "flux-schnell"):
        assert "by another process" in refused(tmp_path)[0]


@pytest.fixture
def checkpoint(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A tiny InstantMesh as published, at the hub."""
    network = tiny.instantmesh(tmp_path / "made")
    known = weights.KNOWN["instantmesh-base"]
    sizes = weights.facts(tmp_path / "made" / "instantmesh-large")["sizes"]
    torch.save(
        {
            "state_dict": {
                f"lrm_generator.{name}": tensor for name, tensor in network.state_dict().items()
            }
        },
        tmp_path / "x.ckpt",
    )
    data = (tmp_path / "x.ckpt").read_bytes()
    monkeypatch.setitem(
        weights.KNOWN,
        known.name,
        known._replace(sizes=sizes, sha256=hashlib.sha256(data).hexdigest()),
    )
    hub.files = {
        known.file: data,
        "diffusion_pytorch_model.bin": b"\x80",
        "instant_nerf_base.ckpt": b"\x80",
        "README.md": b"x",
    }
    return data


@pytest.mark.slow
def test_a_checkpoint_is_fetched_alone_and_converted_and_its_pickle_goes(
    tmp_path: Path, hub: FakeHub, checkpoint: bytes
) -> None:
    pulled(tmp_path, "instantmesh-base")
    assert hub.fetched() == ["instant_mesh_base.ckpt"]
    folder = tmp_path / "models" / "instantmesh-base"
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    origin = weights.facts(folder)["origin"]
    assert (origin["revision"], origin["sha256"]) == (
        COMMIT,
        hashlib.sha256(checkpoint).hexdigest(),
    )
    assert loading.load(folder) is not None
    hub.asked.clear()
    assert pulled(tmp_path, "instantmesh-base") == ["instantmesh-base is here already"]
    assert hub.fetched() == []


def test_a_checkpoint_that_is_not_the_published_one_is_not_fetched(
    tmp_path: Path, hub: FakeHub, checkpoint: bytes
) -> None:
    hub.files["instant_mesh_base.ckpt"] = checkpoint + b"\0"
    assert "is not the published instantmesh-base" in refused(tmp_path, "instantmesh-base")[0]
    assert hub.fetched() == []
