"""What people bring is understood, or refused in words that say what it is and what to do; and a model is there whole or not at all."""

from __future__ import annotations

import collections
import errno
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.weights import convert, copying, loading, place
from tests.support import tiny
from tests.support.hub import BESIDE, COMMIT, cache, flux, lay, safetensors, text, triposg

SCHNELL = "black-forest-labs/FLUX.1-schnell"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1677246742\n"
PAGE = b"\n<!doctype html><html><title>Log in</title></html>"


def refused(tmp_path: Path, source: Path, name: str | None = "flux-schnell") -> str:
    """Message and remedy; nothing lies in the models folder afterwards, and the source is as it was."""
    before = {
        path: path.stat().st_mtime_ns
        for path in tmp_path.rglob("*")
        if path.exists() and "models" not in path.parts
    }
    with pytest.raises(BackendUnavailable) as caught:
        weights.import_model(source, tmp_path / "models", name)
    assert not (tmp_path / "models").exists() or list((tmp_path / "models").iterdir()) == []
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "Error" not in caught.value.message and "\n" not in caught.value.message
    return f"{caught.value.message} → {caught.value.remedy}"


def imported(tmp_path: Path, source: Path, name: str | None = None) -> Path:
    folder = weights.import_model(source, tmp_path / "models", name)
    assert [row.problem for row in weights.verify(tmp_path / "models")] == [None]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
    return folder


# -- folders -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "pointed_at",
    ["snapshot", "models--org--name", "snapshots", "hub", "home", "model_index.json", "relative"],
)
def test_a_hub_cache_is_understood_wherever_one_points_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pointed_at: str
) -> None:
    """Its files are links; an older snapshot and another model lie in it too."""
    hub = tmp_path / "home" / "hub"
    cache(hub, SCHNELL, flux() | {"vae/config.json": text(old=True)}, "a" * 40, main=False)
    snapshot = cache(hub, SCHNELL, {**BESIDE, **flux()})
    cache(hub, "sudo-ai/zero123plus-v1.2", {"model_index.json": b"{}"})
    places = {
        "snapshot": snapshot,
        "models--org--name": snapshot.parents[1],
        "snapshots": snapshot.parent,
        "hub": hub,
        "home": hub.parent,
    }
    source = places.get(pointed_at, snapshot / "model_index.json")
    if pointed_at == "relative":
        monkeypatch.chdir(snapshot.parent)
        source = Path(COMMIT)
    folder = imported(tmp_path, source, "flux-schnell" if pointed_at in ("hub", "home") else None)
    found = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    assert not any(path.is_symlink() for path in found.values())
    assert {
        name: path.read_bytes() for name, path in found.items() if name != "model.json"
    } == flux()


def test_a_cache_of_one_model_needs_no_name(tmp_path: Path) -> None:
    """Of several, one has to be named."""
    cache(tmp_path / "hub", SCHNELL, flux())
    assert imported(tmp_path, tmp_path / "hub").name == "flux-schnell"
    shutil.rmtree(tmp_path / "models")
    cache(tmp_path / "hub", "sudo-ai/zero123plus-v1.2", {"model_index.json": b"{}"})
    assert "holds several models" in refused(tmp_path, tmp_path / "hub", None)


def test_triposg_is_known_by_its_cache_and_by_its_clones_name(tmp_path: Path) -> None:
    """Its parts are its publisher's own classes; another model in its place is told."""
    own = triposg(tmp_path / "published")
    snapshot = cache(tmp_path / "hub", "VAST-AI/TripoSG", own | {"README.md": b"x"})
    for source in (tmp_path / "hub", snapshot, lay(tmp_path / "TripoSG", own)):
        folder = imported(tmp_path, source)
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
        assert (folder.name, found - {"model.json"}) == ("triposg", own.keys())
        shutil.rmtree(tmp_path / "models")
    other = lay(tmp_path / "other", flux())
    assert "names no image_encoder_dinov2" in refused(tmp_path, other, "triposg")
    lacking = {name: data for name, data in own.items() if not name.startswith("vae/diffusion")}
    broken = lay(tmp_path / "lacking", lacking)
    assert "vae/ holds no safetensors file" in refused(tmp_path, broken, "triposg")


def test_every_file_that_is_missing_or_broken_is_named_at_once(tmp_path: Path) -> None:
    """Not only the first; two in one part as well; and a part's shards without their index are no lone file under another name."""
    files = {name: data for name, data in flux().items() if name not in ("tokenizer/merges.txt",)}
    broken = files | {"vae/diffusion_pytorch_model.safetensors": LFS, "vae/config.json": PAGE}
    lay(tmp_path / "models" / "flux-schnell", broken)
    said = weights.problem(tmp_path / "models", "flux-schnell") or ""
    assert (
        "merges.txt" in said
        and "vae/diffusion_pytorch_model.safetensors" in said
        and "vae/config.json" in said
    )
    assert [row.problem for row in weights.verify(tmp_path / "models")] == [said]
    shutil.rmtree(tmp_path / "models")
    (index,) = [
        name for name in flux() if name.startswith("transformer/") and name.endswith(".index.json")
    ]
    lay(tmp_path / "indexless", {name: data for name, data in flux().items() if name != index})
    assert f"{index} is missing, which tells" in refused(tmp_path, tmp_path / "indexless")


def test_a_cache_that_does_not_tell_which_snapshot_is_asked_about(tmp_path: Path) -> None:
    for revision in ("a" * 40, "b" * 40):
        snapshot = cache(tmp_path / "hub", SCHNELL, flux(), revision, main=False)
    assert "2 snapshots and no refs/main" in refused(tmp_path, snapshot.parents[1])
    shutil.rmtree(snapshot)
    imported(tmp_path, snapshot.parents[1])


def test_a_cache_of_other_models_or_without_a_snapshot_is_named(tmp_path: Path) -> None:
    snapshot = cache(tmp_path / "hub", SCHNELL, flux())
    assert f"models--{SCHNELL.replace('/', '--')}" in refused(
        tmp_path, tmp_path / "hub", "flux-dev"
    )
    shutil.rmtree(snapshot.parent)
    assert "without a snapshot" in refused(tmp_path, snapshot.parents[1])


@pytest.mark.parametrize("gone", [name for name in flux() if name != "tokenizer/merges.txt"])
def test_every_missing_file_is_named_at_import_by_list_by_verify_and_to_a_submitter(
    tmp_path: Path, gone: str
) -> None:
    """Shards, tokenizers, configurations: not when it is loaded, after minutes of work."""
    part = gone.rpartition("/")[0] or gone
    files = {name: data for name, data in flux().items() if name != gone}
    said = refused(tmp_path, lay(tmp_path / "FLUX.1-schnell", files))
    assert part in said and ("missing" in said or "holds no" in said)
    lay(tmp_path / "models" / "flux-schnell", files)
    assert part in (weights.problem(tmp_path / "models", "flux-schnell") or "")
    for rows in (weights.listing(tmp_path / "models"), weights.verify(tmp_path / "models")):
        assert part in (next(row for row in rows if row.name == "flux-schnell").problem or "")
    assert "flux" not in weights.backends(tmp_path / "models")
    with pytest.raises(BackendUnavailable, match="Model flux-schnell: "):
        weights.require(tmp_path / "models", "flux-schnell")


def test_all_that_a_part_lacks_is_named_not_only_the_first(tmp_path: Path) -> None:
    """Vocabulary and merges, configuration and weights: nobody fetches them one by one."""
    gone = ("tokenizer/vocab.json", "tokenizer/merges.txt")
    shards = tuple(name for name in flux() if name.startswith("transformer/") and "-of-" in name)
    lost = (*gone, *shards[1:], "transformer/config.json", "vae/config.json")
    lay(tmp_path / "flux", {name: data for name, data in flux().items() if name not in lost})
    said = refused(tmp_path, tmp_path / "flux")
    assert [name for name in lost if name.rpartition("/")[2] not in said] == []


SHARD = "transformer/diffusion_pytorch_model-00002-of-00002.safetensors"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (SHARD, LFS, "is a git-LFS pointer"),
        (SHARD, PAGE, "is a web page"),
        (SHARD, b"", "is empty"),
        (SHARD, b"Entry not found", "“Entry not found”"),
        (SHARD, safetensors(b=2)[:-3], "cut off"),
        (SHARD, safetensors(b=2)[:20], "cut off within its header"),
        (SHARD, safetensors(c=2), "lacks tensor b"),
        (SHARD, b"GGUF\x03\0\0\0", "GGUF"),
        (SHARD, b"\x80\x02}", "is a pickle"),
        ("tokenizer_2/spiece.model", LFS, "spiece.model is a git-LFS pointer"),
        ("tokenizer/merges.txt", PAGE, "merges.txt is a web page"),
        ("tokenizer/vocab.json", b'{"a": 1', "vocab.json cannot be read"),
        ("tokenizer/vocab.json", b"{" + b'"a":1,' * 300_000, "vocab.json cannot be read"),
        ("tokenizer/vocab.json", b"{}", "vocab.json holds no words"),
        ("vae/config.json", b"[]", "config.json cannot be read"),
        ("model_index.json", PAGE, "model_index.json is a web page"),
        ("scheduler/scheduler_config.json", b"", "is empty"),
        (
            "transformer/diffusion_pytorch_model.safetensors.index.json",
            text(weight_map={"a": "x.safetensors"}),
            "x.safetensors is missing",
        ),
        ("transformer/config.json", text(guidance_embeds=True), "looks like flux-dev"),
        (
            "model_index.json",
            text(_class_name="StableDiffusionPipeline", vae=["diffusers", "AutoencoderKL"]),
            "is a StableDiffusionPipeline",
        ),
    ],
)
def test_what_lies_in_place_of_a_file_is_said(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    files = flux() | {name: content}
    assert words in refused(tmp_path, lay(tmp_path / "x", files))
    lay(tmp_path / "models" / "flux-schnell", files)
    assert words in (weights.problem(tmp_path / "models", "flux-schnell") or "")


def test_pickles_in_a_folder_are_refused_with_the_way_to_safetensors(tmp_path: Path) -> None:
    files = {name: data for name, data in flux().items() if not name.startswith("vae/diff")} | {
        "vae/diffusion_pytorch_model.bin": b"\x80"
    }
    said = refused(tmp_path, lay(tmp_path / "x", files))
    assert "vae/ holds a pickle" in said and "safe_serialization=True" in said


def test_a_link_that_leads_nowhere_is_called_so(tmp_path: Path) -> None:
    snapshot = cache(tmp_path / "hub", SCHNELL, flux())
    (snapshot / "vae/config.json").resolve().unlink()
    assert "config.json is a link that leads nowhere" in refused(tmp_path, snapshot)
    (tmp_path / "gone.ckpt").symlink_to(tmp_path / "away" / "gone.ckpt")
    assert "leads nowhere" in refused(tmp_path, tmp_path / "gone.ckpt", "triposr")
    assert "does not exist" in refused(tmp_path, tmp_path / "never.ckpt", "triposr")


def _zipped(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "flux.zip", "w") as packed:
        packed.writestr("FLUX/model_index.json", "{}")
    return tmp_path / "flux.zip"


def _tarred(tmp_path: Path) -> Path:
    with tarfile.open(tmp_path / "flux.tar.gz", "w:gz") as packed:
        packed.add(lay(tmp_path / "f", {"a": b"x"}), "FLUX")
    return tmp_path / "flux.tar.gz"


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (
            lambda at: (
                lay(at, {"flux1-schnell.safetensors": safetensors(a=3)})
                / "flux1-schnell.safetensors"
            ),
            "flux-schnell",
            "is one file",
        ),
        (
            lambda at: lay(at, {"f.safetensors": LFS}) / "f.safetensors",
            "flux-schnell",
            "git-LFS pointer",
        ),
        (_zipped, "flux-schnell", "is an archive: unpack it"),
        (_tarred, "flux-schnell", "is an archive: unpack it"),
        (_zipped, "triposr", "is an archive: unpack it"),
        (
            lambda at: lay(at / "x", flux()) / "vae",
            "flux-schnell",
            "is one part of a diffusers folder",
        ),
        (lambda at: lay(at / "y" / "x", flux()).parent, "flux-schnell", "Did you mean"),
        (
            lambda at: lay(at / "x", flux()),
            "triposr",
            "is a diffusers folder (FluxPipeline); triposr is one file, model.ckpt",
        ),
        (
            lambda at: lay(at / "x", {"a.ckpt": b"\x80", "b.ckpt": b"\x80"}),
            "triposr",
            "it holds a.ckpt, b.ckpt",
        ),
        (lambda at: lay(at / "x", {"notes.md": b"x"}), "triposr", "it holds no checkpoint"),
        (lambda at: lay(at / "x", {"notes.md": b"x"}), None, "does not tell which model"),
        (lambda at: lay(at, {"model.ckpt": LFS}) / "model.ckpt", None, "git lfs pull"),
        (lambda at: lay(at, {"model.ckpt": PAGE}) / "model.ckpt", None, "is a web page"),
        (lambda at: lay(at, {"model.ckpt": b""}) / "model.ckpt", None, "is empty (0 bytes)"),
        (
            lambda at: lay(at, {"model.ckpt": b"PK\x03\x04" + bytes(90)}) / "model.ckpt",
            None,
            "is cut off",
        ),
        (
            lambda at: lay(at, {"model.ckpt": b"\x80x"}) / "model.ckpt",
            "tripsr",
            "there is no model 'tripsr'",
        ),
        (lambda at: lay(at, {"u2net.onnx": PAGE}) / "u2net.onnx", None, "is a web page"),
        (lambda at: lay(at, {"net.pth": b"\x80"}) / "net.pth", "matting", "is no .onnx file"),
    ],
)
def test_the_wrong_thing_is_called_by_its_name(
    tmp_path: Path, make: Callable[[Path], Path], name: str | None, words: str
) -> None:
    assert words in refused(tmp_path, make(tmp_path), name)


def test_a_read_only_source_gives_a_model_that_can_be_replaced(tmp_path: Path) -> None:
    """Rights of a DVD or a colleague's folder are not taken along."""
    source = lay(tmp_path / "FLUX.1-schnell", flux())
    for path in (*source.rglob("*"), source):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder = imported(tmp_path, source)
    assert all(path.stat().st_mode & 0o200 for path in (folder, *folder.rglob("*")))
    imported(tmp_path, source)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EACCES, "Give this user the right"),
        (errno.EROFS, "set [host] models"),
        (errno.EIO, "Look at the disks"),
    ],
)
def test_what_the_disk_refuses_is_said_in_words_and_the_older_model_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    imported(tmp_path, lay(tmp_path / "x", flux()), "flux-schnell")
    calls = iter([0] * 9)

    def failing(handle: int) -> None:
        if next(calls, None) is None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(BackendUnavailable) as caught:
        weights.import_model(tmp_path / "x", tmp_path / "models", "flux-schnell")
    assert words in caught.value.remedy
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["flux-schnell"]
    assert weights.verify(tmp_path / "models")[0].problem is None


def test_too_little_room_is_said_with_both_sizes_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 700))
    monkeypatch.setattr(copying, "copied", lambda *_: pytest.fail("something was copied"))
    said = refused(tmp_path, lay(tmp_path / "x", flux()))
    assert "flux-schnell needs 1" in said and "700 bytes are free in" in said and "Free " in said


def test_an_import_that_was_killed_leaves_nothing_that_counts_and_the_next_one_clears_it(
    tmp_path: Path,
) -> None:
    """Killed before the end and, worse, between the two renames at the end."""
    source = lay(tmp_path / "x", flux())
    lay(tmp_path / "models" / ".flux-schnell.new", {"transformer/half": b"x"})
    lay(tmp_path / "models" / ".flux-schnell.old", {"transformer/old": b"x"})
    (tmp_path / "models" / ".flux-schnell.lock").touch()
    assert weights.verify(tmp_path / "models") == [] and "flux" not in weights.backends(
        tmp_path / "models"
    )
    imported(tmp_path, source, "flux-schnell")


def test_two_imports_of_one_model_do_not_meet(tmp_path: Path) -> None:
    source = lay(tmp_path / "x", flux())
    with (
        place.alone(tmp_path / "models", "flux-schnell"),
        pytest.raises(BackendUnavailable, match="by another process"),
    ):
        weights.import_model(source, tmp_path / "models", "flux-schnell")
    imported(tmp_path, source, "flux-schnell")


# -- verify ------------------------------------------------------------------------------------
def test_verify_reads_every_file_and_names_each_that_differs_is_missing_or_is_extra(
    tmp_path: Path,
) -> None:
    folder = imported(tmp_path, lay(tmp_path / "x", flux()), "flux-schnell")
    heard: list[tuple[str, int, int]] = []
    weights.verify(tmp_path / "models", lambda *row: heard.append(row))
    assert [row[0] for row in heard] == sorted(f"flux-schnell/{name}" for name in flux())
    assert {row[2] for row in heard} == {len(flux())}
    for name in ("vae/diffusion_pytorch_model.safetensors", SHARD):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    (folder / "tokenizer/vocab.json").write_bytes(text(a=12))
    (folder / "transformer/config.json").write_bytes(text())
    lay(
        folder,
        {
            "vae/diffusion_pytorch_model.fp16.safetensors": b"x",
            "scheduler/old/x.json": b"x",
            ".DS_Store": b"x",
        },
    )
    (folder / "scheduler/scheduler_config.json").unlink()
    assert (weights.verify(tmp_path / "models")[0].problem or "").split("; ") == [
        "scheduler/scheduler_config.json is missing",
        "tokenizer/vocab.json has 9 bytes, 8 were recorded",
        "transformer/config.json has 2 bytes, 26 were recorded",
        f"{SHARD} is corrupt: its SHA-256 is not the one in model.json",
        "vae/diffusion_pytorch_model.safetensors is corrupt: its SHA-256 is not the one in model.json",
        "scheduler/old/x.json is extra: delete it",
        "vae/diffusion_pytorch_model.fp16.safetensors is extra: delete it",
    ]


def test_verify_names_a_strange_file_beside_our_own_weights(tmp_path: Path) -> None:
    tiny.triposr(tmp_path / "models")
    lay(tmp_path / "models" / "triposr", {"model.ckpt": b"\x80"})
    assert weights.verify(tmp_path / "models")[0].problem == "model.ckpt is extra: delete it"


def test_files_put_there_by_hand_are_recorded_by_the_first_verify_which_says_so(
    tmp_path: Path,
) -> None:
    folder = lay(tmp_path / "models" / "flux-schnell", flux())
    (row,) = weights.verify(tmp_path / "models")
    assert row.problem is None and "recorded" in row.note
    path = folder / "vae/diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    (row,) = weights.verify(tmp_path / "models")
    assert "vae/diffusion_pytorch_model.safetensors is corrupt" in (row.problem or "")


def test_other_folders_and_matting_are_listed_for_what_they_are(tmp_path: Path) -> None:
    lay(
        tmp_path / "models",
        {
            "plugin/net.bin": b"x",
            "matting/u2net.onnx": b"\x08\x07",
            "FLUX.1-schnell/model_index.json": flux()["model_index.json"],
        },
    )
    lay(tmp_path / "models" / "FLUX.1-schnell", flux())
    rows = {row.name: row for row in weights.listing(tmp_path / "models")}
    assert (rows["plugin"].problem, rows["matting"].problem) == (None, None)
    assert "rename it to flux-schnell" in rows["FLUX.1-schnell"].note
    assert {row.name: row.problem for row in weights.verify(tmp_path / "models")} == dict.fromkeys(
        ("FLUX.1-schnell", "matting", "plugin")
    )
    lay(tmp_path / "models", {"matting/u2net.onnx": LFS})
    assert "git-LFS pointer" in (
        {row.name: row for row in weights.listing(tmp_path / "models")}["matting"].problem or ""
    )
    (tmp_path / "models" / "triposr").write_bytes(b"x")
    assert "is a file, where a folder is needed" in (
        weights.problem(tmp_path / "models", "triposr") or ""
    )


def test_an_onnx_file_goes_where_objects_are_cut_out(tmp_path: Path) -> None:
    source = lay(tmp_path, {"isnet.onnx": b"\x08\x07net"}) / "isnet.onnx"
    assert (imported(tmp_path, source) / "isnet.onnx").read_bytes() == b"\x08\x07net"


def test_a_fingerprint_covers_every_file_that_is_loaded_and_sees_a_change_after_import(
    tmp_path: Path,
) -> None:
    folder = imported(tmp_path, lay(tmp_path / "x", flux()), "flux-schnell")
    seen = {weights.fingerprint(tmp_path / "models", "flux-schnell")}
    lay(folder, {"tokenizer/vocab.json": text(a=2)})
    seen.add(weights.fingerprint(tmp_path / "models", "flux-schnell"))
    assert len(seen) == 2


# -- checkpoints -------------------------------------------------------------------------------
@pytest.mark.slow
def test_our_own_models_folder_is_carried_from_another_host(tmp_path: Path) -> None:
    """By folder or by its file; damaged on the way, or another model than it is said to be, it is refused."""
    tiny.triposr(tmp_path / "carried")
    source = tmp_path / "carried" / "triposr"
    assert loading.load(imported(tmp_path, source)) is not None
    shutil.rmtree(tmp_path / "models")
    assert "looks like triposr" in refused(tmp_path, source, "instantmesh-large")
    said = json.loads((source / "model.json").read_text())
    (source / "model.json").write_text(json.dumps({**said, "sha256": "0" * 64}))
    assert "was damaged on its way" in refused(tmp_path, source, None)


def test_a_diffusers_folder_is_carried_with_its_checksums(tmp_path: Path) -> None:
    folder = imported(tmp_path, lay(tmp_path / "x", flux()), "flux-schnell").rename(
        tmp_path / "flux-schnell"
    )
    imported(tmp_path, folder)
    shutil.rmtree(tmp_path / "models")
    lay(folder, {"tokenizer/vocab.json": text(a=2)})
    assert "vocab.json was damaged on its way" in refused(tmp_path, folder, None)
    lay(folder, {"model.json": b'{"format": 1'})
    assert "without comparing checksums" in refused(tmp_path, folder, None)


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
@pytest.mark.slow
def test_a_checkpoint_reached_by_a_link_or_in_a_snapshot_is_imported_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """The blob that the link leads to has no suffix; a .ckpt may be safetensors inside."""
    state = tiny.triposr(tmp_path / "made").state_dict()
    known = weights.KNOWN["triposr"]
    monkeypatch.setitem(
        weights.KNOWN,
        "triposr",
        known._replace(sizes=weights.facts(tmp_path / "made" / "triposr")["sizes"], sha256=None),
    )
    save_file(state, tmp_path / "blob")
    snapshot = cache(
        tmp_path / "hub",
        known.hub,
        {f"model{suffix}": (tmp_path / "blob").read_bytes(), "config.yaml": b"a: 1"},
    )
    source = snapshot / "model.ckpt" if suffix == ".ckpt" else snapshot.parents[1]
    assert loading.load(imported(tmp_path, source, "triposr")).state_dict().keys() == state.keys()


@pytest.mark.slow
def test_tensors_of_another_model_are_named_where_they_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"double_blocks.0.img_attn.weight": torch.zeros(2)}, tmp_path / "flux1.safetensors")
    assert "It looks like FLUX in one file" in refused(
        tmp_path, tmp_path / "flux1.safetensors", "triposr"
    )


@pytest.mark.slow
@pytest.mark.parametrize("other", ["triposr", "instantmesh-base", "instantnerf-large"])
def test_a_published_model_under_another_ones_name_is_recognised_by_its_tensors(other: str) -> None:
    """At the published sizes, without memory behind them."""
    known = weights.KNOWN[other]
    shapes = loading.shapes(loading.skeleton(known.network, dict(known.sizes)))
    for prefix in ("", known.prefix):
        found = {prefix + name: shape for name, shape in shapes.items()}
        assert f"--name {other}" in convert._looks_like(found, "instantmesh-large")


@pytest.mark.slow
def test_what_a_pickle_holds_beside_tensors_is_named_with_the_way_out(tmp_path: Path) -> None:
    torch.save(
        {"state_dict": {}, "hyper_parameters": collections.OrderedDict(x=Path("a"))},
        tmp_path / "x.ckpt",
    )
    said = refused(tmp_path, tmp_path / "x.ckpt", "instantmesh-large")
    assert "more than tensors (pathlib" in said and "save its tensors alone" in said
    (tmp_path / "y.ckpt").write_bytes(b"\x80\x02junk that is no pickle")
    assert "no checkpoint, or a damaged one" in refused(
        tmp_path, tmp_path / "y.ckpt", "instantmesh-large"
    )
