"""Damaged and hostile files through the real engine: each drop is read by the real first stage in a confined process. It ends in time, in a
result or in words to the submitter; nothing outside the job is read, written or called."""

from __future__ import annotations

import hashlib
import io
import random
import socket
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from pipeline import errors
from pipeline.artefacts import Dropped
from pipeline.gpu.engine import Engine, Order
from pipeline.kept import store
from pipeline.kept.store import Kept
from tests.conftest import ROOT
from tests.support.meshfiles import obj, ply, png, prism_gltf
from tests.unit.geometry.readers.test_fuzz import SOUND, mutated
from tests.unit.scan.test_fuzz_readers import FILES

MESH, SCAN = ("convert", "mesh.read_mesh"), ("scan", "scan.read_passes")
IMAGES = ("images", "views.fetch_images")  # the one stage that has a network
SECRET = "canary-5d1f0c"  # stands outside the job; nothing of a job may hold it
DEADLINE = 60.0


class Attack(NamedTuple):
    """Files of one drop, and who reads them."""

    files: dict[str, bytes]
    reader: tuple[str, str]
    options: dict[str, Any] = {}  # noqa: RUF012


def pointing(outside: str, port: int) -> list[Attack]:
    """Drops whose files name others: OUTSIDE, a file that is there, in every manner; and a server."""
    names = [
        outside,
        f"file://{outside}",
        "../" * 12 + outside[1:],
        f"http://127.0.0.1:{port}/x.png",
        "/proc/self/environ",
    ]
    found = []
    for name in names:
        mtl = f"newmtl a\nmap_Kd {name}\n".encode()
        found += [
            Attack({"a.obj": f"mtllib {name}\n".encode() + obj()}, MESH),
            Attack({"a.obj": b"mtllib a.mtl\nusemtl a\n" + obj(), "a.mtl": mtl}, MESH),
            Attack({"a.ply": ply().replace(b"ply\n", f"ply\ncomment TextureFile {name}\n".encode(), 1)}, MESH),
            Attack({"a.gltf": prism_gltf().gltf(name)}, MESH),
        ]  # fmt: skip
        found.append(Attack({"a.glb": painted(name), "a.png": png()}, MESH))
    return found


def packed(outside: str) -> list[Attack]:
    """Archives whose members are links to OUTSIDE, or are to land there."""
    found = []
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.REGTYPE):
        packing, data = io.BytesIO(), FILES["a.xyz"]()
        with tarfile.open(fileobj=packing, mode="w") as tar:
            member = tarfile.TarInfo("a.xyz" if kind != tarfile.REGTYPE else f"{outside}.xyz")
            member.type, member.linkname = kind, outside
            member.size = len(data) if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(data))
        found.append(Attack({"a.tar": packing.getvalue()}, SCAN))
    for name, mode in (
        (f"../../../..{outside}.xyz", 0),
        (f"{outside}.xyz", 0),
        ("a.xyz", 0o120777),
    ):
        packing = io.BytesIO()
        with zipfile.ZipFile(packing, "w") as archive:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, outside if mode else FILES["a.xyz"]())
        found.append(Attack({"a.zip": packing.getvalue()}, SCAN))
    return found


def fetched(outside: str, port: int) -> list[Attack]:
    """Addresses of this machine, and of files, where pictures are asked for."""
    hosts = ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0")
    urls = [*(f"http://{host}:{port}/a.png" for host in hosts), f"file://{outside}"]
    return [Attack({}, IMAGES, {"image_urls": [url]}) for url in urls]


def painted(name: str) -> bytes:
    """A GLB whose picture is the file NAME."""
    made = prism_gltf()
    texture = {"index": made.picture(png())}
    primitive = made.json["meshes"][0]["primitives"][0]
    primitive["material"] = made.material(baseColorTexture=texture)
    primitive["attributes"]["TEXCOORD_0"] = made.accessor(np.full((12, 2), 0.5, "f4"))
    made.json["images"] = [{"uri": name}]
    return made.glb()


def attacks(count: int, outside: Path, port: int) -> Iterator[Attack]:
    """COUNT of them: first those that point, then damaged files of every format in turn."""
    dice = random.Random(5)
    sound = {name: (data, MESH) for name, data in SOUND.items()}
    sound |= {name: (make(), SCAN) for name, make in FILES.items()}
    named = [*pointing(str(outside), port), *packed(str(outside)), *fetched(str(outside), port)]
    yield from dice.sample(named, min(len(named), max(1, count // 3)))
    names = list(sound)
    for number in range(count - min(len(named), max(1, count // 3))):
        data, reader = sound[names[number % len(names)]]
        yield Attack({names[number % len(names)]: mutated(data, dice)}, reader)


@pytest.fixture
def called() -> Iterator[tuple[int, list[object]]]:
    """A server on this machine, and who called it."""
    calls: list[object] = []
    with _listening() as listening:

        def hear() -> None:
            while True:
                try:
                    line, address = listening.accept()
                except OSError:
                    return
                calls.append(address)
                line.close()

        threading.Thread(target=hear, daemon=True).start()
        yield listening.getsockname()[1], calls


def _listening() -> socket.socket:
    """At a port at which pictures may be asked for, where it is free: else the port alone is refused."""
    try:
        return socket.create_server(("127.0.0.1", 80))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


def sums(folder: Path, but: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and but not in path.parents)
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read(engine: Engine, attack: Attack, job: Path) -> str:
    """How it ended: done, or the class of the refusal."""
    root, inside = job / "root", job / "input"
    root.mkdir(parents=True)
    inside.mkdir()
    for name, data in attack.files.items():
        (inside / name).write_bytes(data)
    kind, stage = attack.reader
    store.save(root, 0, Kept.of(root, "", Dropped(names=tuple(sorted(attack.files)))))
    order = Order(
        (stage,), {"kind": kind, **attack.options}, root, inside, None, True, stage == IMAGES[1]
    )
    try:
        engine.run(order, lambda event: None, lambda: None)
    except errors.InputRejected:
        return "refused"
    return "read"


def storm(count: int, tmp_path: Path, called: tuple[int, list[object]]) -> Counter[str]:
    port, calls = called
    outside, jobs = tmp_path / "outside" / "secret.mtl", tmp_path / "jobs"
    outside.parent.mkdir()
    outside.write_text(f"newmtl a\nKd 1 0 0\n# {SECRET}\n")
    before = sums(tmp_path, jobs)
    engine = Engine(("scan",), {"PYTHONPATH": str(ROOT)}, deadline=DEADLINE, memory=4 << 30)
    ends: Counter[str] = Counter()
    try:
        for number, attack in enumerate(attacks(count, outside, port)):
            job = jobs / f"{number:04d}"
            try:
                ends[read(engine, attack, job)] += 1
            except errors.PipelineError as error:
                pytest.fail(f"{attack.files!r}: {error!r}")
            told = (path.read_bytes() for path in (job / "root").rglob("*") if path.is_file())
            assert not any(SECRET.encode() in data for data in told), attack
    finally:
        engine.stop()
    assert sums(tmp_path, jobs) == before
    assert calls == []
    return ends


@pytest.mark.slow
def test_a_few_hostile_files_reach_nothing(
    tmp_path: Path, called: tuple[int, list[object]]
) -> None:
    assert sum(storm(9, tmp_path, called).values()) == 9


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_five_hundred_hostile_files_reach_nothing(
    tmp_path: Path, called: tuple[int, list[object]]
) -> None:
    ends = storm(500, tmp_path, called)
    print(dict(ends))
    assert sum(ends.values()) == 500 and min(ends["read"], ends["refused"]) > 50
