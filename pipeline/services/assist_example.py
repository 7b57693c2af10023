"""A small assist service for one's own network: it repairs the mesh it is sent and sends it back.

    python -m pipeline.services.assist_example --port 8765      then, in inbox3d.toml:   [assist]
    url = "http://127.0.0.1:8765/"

It shows the protocol: POST multipart/form-data with the files mesh.glb and scan.json; the answer is
a GLB, or JSON {"features": [{…}, …]}. A service that knows more than this one, a language model for
example, speaks the same.
"""

from __future__ import annotations

import argparse
import email.parser
import email.policy
import io
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

LARGEST = 1 << 30  # bytes of a request
HOLES = 0.05  # share of the size up to which holes are closed


def cleaned(data: bytes) -> bytes:
    """The GLB in DATA with its surface welded, oriented, without loose crumbs, holes up to 5 % of
    its size closed."""
    import trimesh

    from pipeline.geometry.repair import repair
    from pipeline.geometry.surface import Surface
    from pipeline.stages.finish._model import Model
    from pipeline.stages.finish.writers import glb

    mesh = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False).to_mesh()
    surface = Surface(np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int32))
    result = repair(surface, HOLES * surface.size, drop_floaters=True)
    with tempfile.TemporaryDirectory() as folder:
        glb.write(Model(result.surface), Path(folder) / "mesh.glb")
        return (Path(folder) / "mesh.glb").read_bytes()


class Handler(BaseHTTPRequestHandler):
    """One POST, one mesh."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST:
            self.send_error(413)
            return
        parts = _parts(self.headers.get("Content-Type", ""), self.rfile.read(length))
        if "mesh.glb" not in parts:
            self.send_error(400, "mesh.glb is missing")
            return
        answer = cleaned(parts["mesh.glb"])
        self.send_response(200)
        self.send_header("Content-Type", "model/gltf-binary")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        return


def _parts(kind: str, body: bytes) -> dict[str, bytes]:
    """Files of a multipart/form-data body by name."""
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body
    )
    found = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        content = part.get_payload(decode=True)
        if part.get_filename() and isinstance(content, bytes):
            found[str(part.get_filename())] = content
    return found


def serve(port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server bound to HOST and PORT; its owner calls serve_forever."""
    return ThreadingHTTPServer((host, port), Handler)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Repairs meshes for inbox3d's [assist] setting.")
    asked.add_argument("--port", type=int, default=8765)
    serve(asked.parse_args().port).serve_forever()
