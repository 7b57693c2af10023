"""A model hub on loopback, with redirects to a store of large files, and with the faults that hubs have; and models small enough for it."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

COMMIT = "c0ffee" * 6 + "beef"
LARGE = (".safetensors", ".ckpt", ".bin", ".model")
Fault = Callable[["Handler", bytes], None]


@dataclass
class FakeHub:
    """FILES of one repository, whatever it is called. ASKED: every request, as "GET transformer/config.json", store included.

    FAULTS: the same words → what to answer instead, one after the other, then the truth again.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    tokens: list[str | None] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    revisions: set[str] = field(default_factory=set)
    ways: str = "as published"  # or "through", small files behind a relative redirect; or "plain", a mirror that tells sizes alone
    url: str = ""

    def fetched(self) -> list[str]:
        """What was fetched whole or in part, without the looks before."""
        return sorted(
            {
                words.removeprefix("GET ")
                for words in self.asked
                if words.startswith("GET ") and "store" not in words
            }
            - {"list"}
        )


class Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place, _, path = self.path.partition("/resolve/")
        place = unquote(place)
        if place.startswith("/api/"):
            rows = [{"rfilename": name} for name in self.hub.files]
            self.say(
                "list",
                json.dumps({"sha": COMMIT, "siblings": rows}).encode(),
                {"Content-Type": "application/json"},
            )
        elif place.startswith("/store/"):
            name = place.removeprefix("/store/")
            self.say(
                f"store {name}", self.hub.files[name], {"Content-Type": "application/octet-stream"}
            )
        else:
            revision, _, name = path.partition("/")
            self.hub.revisions.add(unquote(revision))
            self.file(unquote(name))

    do_HEAD = do_GET

    def file(self, name: str) -> None:
        data = self.hub.files.get(name)
        told = {"X-Repo-Commit": COMMIT}
        if data is None:
            self.say(name, b"Entry not found", {"X-Error-Code": "EntryNotFound"}, 404)
        elif self.hub.ways == "plain":
            self.say(name, data, {})
        elif self.hub.ways == "through" and not name.endswith(LARGE):
            self.say(name, b"elsewhere", told | {"Location": f"/store/{name}"}, 307)
        elif name.endswith(LARGE):
            told |= {
                "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
                "X-Linked-Size": str(len(data)),
                "ETag": '"of-the-store"',
            }
            self.say(name, b"moved", told | {"Location": f"{self.hub.url}/store/{name}"}, 302)
        else:
            sha = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            self.say(name, data, told | {"ETag": f'W/"{sha}"'})

    def say(self, words: str, data: bytes, headers: dict[str, str], status: int = 200) -> None:
        words = f"{self.command} {words}"
        self.hub.asked.append(words)
        self.hub.tokens.append(self.headers.get("Authorization"))
        if self.hub.faults.get(words):
            self.hub.faults[words].pop(0)(self, data)
            return
        wanted = self.headers.get("Range")
        if wanted and status == 200:
            self.hub.ranges.append(f"{words} {wanted}")
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers = headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            status, data = 206, data[start:]
        self.answer(status, data, headers)

    def answer(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send it; a LENGTH longer than DATA is a line that is cut."""
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(len(data) if length is None else length)} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        if length is not None:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FakeHub]:
    hub = FakeHub(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, error: str = "", text: bytes = b"no", **headers: str) -> Fault:
    told = {name.replace("_", "-"): value for name, value in headers.items()} | (
        {"X-Error-Code": error} if error else {}
    )
    return lambda handler, data: handler.answer(code, text, told)


def cut(at: int) -> Fault:
    """The line ends after AT bytes, though all were announced."""
    return lambda handler, data: handler.answer(200, data[:at], length=len(data))


def instead(other: bytes, **headers: str) -> Fault:
    return lambda handler, data: handler.answer(
        200, other, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def safetensors(**tensors: int) -> bytes:
    """A file with tensors of so many float32 ones each."""
    entries, end = {}, 0
    for name, count in tensors.items():
        entries[name] = {"dtype": "F32", "shape": [count], "data_offsets": [end, end + 4 * count]}
        end += 4 * count
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + struct.pack("<f", 1.0) * (end // 4)


def text(**said: Any) -> bytes:
    return json.dumps(said).encode()


def flux(guided: bool = False) -> dict[str, bytes]:
    """Every file that is loaded of a FLUX folder, tensors aside as the hub publishes them: the transformer in two shards."""
    parts = {
        "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "T5TokenizerFast"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    }  # fmt: skip
    shard = "diffusion_pytorch_model-0000{}-of-00002.safetensors"
    return {
        "model_index.json": text(
            _class_name="FluxPipeline", feature_extractor=[None, None], **parts
        ),
        "transformer/config.json": text(guidance_embeds=guided),
        f"transformer/{shard.format(1)}": safetensors(a=3000),
        f"transformer/{shard.format(2)}": safetensors(b=2),
        "transformer/diffusion_pytorch_model.safetensors.index.json": text(
            weight_map={"a": shard.format(1), "b": shard.format(2)}
        ),
        "vae/config.json": text(),
        "vae/diffusion_pytorch_model.safetensors": safetensors(v=5),
        "text_encoder/config.json": text(),
        "text_encoder/model.safetensors": safetensors(t=6),
        "text_encoder_2/config.json": text(),
        "text_encoder_2/model.safetensors": safetensors(u=7),
        "tokenizer/tokenizer_config.json": text(),
        "tokenizer/vocab.json": text(a=1),
        "tokenizer/merges.txt": b"#version: 0.2\n",
        "tokenizer_2/tokenizer_config.json": text(),
        "tokenizer_2/spiece.model": b"\n\x0e\n\x05<pad>",
        "scheduler/scheduler_config.json": text(),
    }


def klein(distilled: bool = True, **config: Any) -> dict[str, bytes]:
    """Every file that is loaded of a FLUX.2 klein folder, tensors aside as the hub publishes them: the text encoder in two shards, and how
    it is spoken to in a file of its own."""
    parts = {
        "transformer": ["diffusers", "Flux2Transformer2DModel"], "vae": ["diffusers", "AutoencoderKLFlux2"],
        "text_encoder": ["transformers", "Qwen3ForCausalLM"], "tokenizer": ["transformers", "Qwen2TokenizerFast"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    }  # fmt: skip
    shard = "model-0000{}-of-00002.safetensors"
    return {
        "model_index.json": text(_class_name="Flux2KleinPipeline", is_distilled=distilled, **parts),
        "transformer/config.json": text(guidance_embeds=False, **config),
        "transformer/diffusion_pytorch_model.safetensors": safetensors(a=3000),
        "vae/config.json": text(),
        "vae/diffusion_pytorch_model.safetensors": safetensors(v=5),
        "text_encoder/config.json": text(),
        f"text_encoder/{shard.format(1)}": safetensors(t=6),
        f"text_encoder/{shard.format(2)}": safetensors(u=7),
        "text_encoder/model.safetensors.index.json": text(
            weight_map={"t": shard.format(1), "u": shard.format(2)}
        ),
        "tokenizer/tokenizer_config.json": text(),
        "tokenizer/vocab.json": text(a=1),
        "tokenizer/merges.txt": b"#version: 0.2\n",
        "tokenizer/chat_template.jinja": b"{%- for message in messages %}{{ message.content }}{%- endfor %}",
        "scheduler/scheduler_config.json": text(),
    }


def triposg(folder: Path) -> dict[str, bytes]:
    """Every file that is loaded of a TripoSG, by the paths of its publication, its tensors tiny; written below FOLDER first."""
    from tests.support import tiny

    made = tiny.triposg(folder)
    return {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }


# What repositories hold beside it: for other programs, of other frameworks, in half precision, for people.
BESIDE = {
    "flux1-schnell.safetensors": safetensors(a=9000), "ae.safetensors": safetensors(v=9), "README.md": b"# a model", "schnell.jpeg": b"\xff\xd8",
    ".gitattributes": b"x", "transformer/diffusion_pytorch_model.fp16.safetensors": safetensors(a=1), "text_encoder/flax_model.msgpack": b"\x81",
    "text_encoder/pytorch_model.bin": b"\x80\x02", "text_encoder/model.fp16.safetensors": safetensors(t=1), "text_encoder/model.onnx": b"\x08",
    "vae/diffusion_pytorch_model.bin": b"\x80\x02", "unused/config.json": b"{}", "tokenizer/README.md": b"x", "vae/deep/config.json": b"{}",
}  # fmt: skip


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    """Write FILES below FOLDER."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def cache(
    root: Path, repo: str, files: dict[str, bytes], revision: str = COMMIT, main: bool = True
) -> Path:
    """A hub cache as its client keeps it: blobs by digest, snapshots of links, refs; the snapshot."""
    home = root / f"models--{repo.replace('/', '--')}"
    snapshot = home / "snapshots" / revision
    for name, data in files.items():
        blob = home / "blobs" / hashlib.sha256(data).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(*[".."] * (2 + name.count("/"))) / "blobs" / blob.name)
    if main:
        (home / "refs").mkdir()
        (home / "refs" / "main").write_text(revision)
    return snapshot
