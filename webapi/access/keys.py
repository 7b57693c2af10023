"""Keys: who may do what. The file on Atlas holds salted hashes and scopes, mode 0600; a key is
shown once, when it is made.

A key's secret is 256 random bits, so that one SHA-256 over salt and secret is hash enough. It is
named by the public part (``i3d_<id>_<secret>``), compared in constant time, and never taken from an
address line.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from layout.disk import LineFault
from layout.manifest import Document, now
from layout.names import nonce
from layout.tree import Atlas

Scope = Literal["read", "submit", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "submit", "admin")  # each holds the ones before it
PREFIX = "i3d"


class Key(BaseModel):
    id: str
    name: str
    scope: Scope
    salt: str
    hash: str
    at: str


class KeysFile(Document):
    name: ClassVar[str] = "keys"
    keys: list[Key] = Field(default_factory=list)


def allows(scope: Scope, needed: Scope) -> bool:
    return SCOPES.index(scope) >= SCOPES.index(needed)


class KeysClosed(LineFault):
    """The web layer may not read the keys; no key can be told from a false one."""

    remedy = (
        "Let the tree's owner own the files below .pipeline/config/; `inbox3d doctor` names them."
    )


class Keys:
    """The keys of one Atlas. The file is read again when its attributes change, so that a revoked
    key ends at once everywhere."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._seen: tuple[int, int, int] | None = None
        self._file = KeysFile()

    def all(self) -> list[Key]:
        found = self.atlas.disk.lstat(self.atlas.keys_file)
        mark = (found.st_ino, found.st_mtime_ns, found.st_size) if found else None
        if mark != self._seen:
            self._file = KeysFile.load(self._read()) if mark else KeysFile()
            self._seen = mark
        return self._file.keys

    def _read(self) -> bytes:
        try:
            return self.atlas.disk.read(self.atlas.keys_file)
        except PermissionError as error:
            raise KeysClosed(error.errno, "the keys cannot be read", error.filename) from error

    def check(self, text: str) -> Key | None:
        """The key that TEXT is, or None. KeysClosed where that cannot be told. The time taken does
        not depend on which part is wrong."""
        prefix, _, rest = text.partition("_")
        id, _, secret = rest.partition("_")
        try:
            known = next((key for key in self.all() if key.id == id), None)
        except KeysClosed:
            raise
        except LineFault:
            return None
        given = _hash(known.salt if known else "", secret)
        right = hmac.compare_digest(given, known.hash if known else _hash("", ""))
        return known if right and known and prefix == PREFIX else None

    def by_id(self, id: str) -> Key | None:
        return next((key for key in self.all() if key.id == id), None)

    def add(self, name: str, scope: Scope) -> str:
        """Make a key and return its text, which is nowhere else. ValueError where NAME is taken,
        empty, long or not printable."""
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise ValueError("a name is 1 to 100 printable characters")
        if any(key.name == name for key in self.all()):
            raise ValueError(f"there is a key of the name {name!r} already")
        secret, salt = secrets.token_urlsafe(32), secrets.token_hex(16)
        key = Key(
            id=nonce(8), name=name, scope=scope, salt=salt, hash=_hash(salt, secret), at=now()
        )
        self._write([*self.all(), key])
        return f"{PREFIX}_{key.id}_{secret}"

    def revoke(self, which: str) -> Key | None:
        """Take away the key of that id, or the only one of that name."""
        keys = self.all()
        found = [key for key in keys if key.id == which] or [
            key for key in keys if key.name == which
        ]
        if len(found) != 1:
            return None
        self._write([key for key in keys if key is not found[0]])
        return found[0]

    def _write(self, keys: list[Key]) -> None:
        write_secret(self.atlas, KeysFile(keys=keys).dump())


def write_secret(atlas: Atlas, data: bytes) -> None:
    """Put DATA at the keys file so that nobody else can read it at any instant."""
    neighbour = atlas.keys_file.with_name(f".{atlas.keys_file.name}.{secrets.token_hex(4)}")
    atlas.disk.write_new(neighbour, b"")
    neighbour.chmod(0o600)
    atlas.disk.write_in_place(neighbour, data)
    atlas.disk.rename(neighbour, atlas.keys_file)


def signing_secret(atlas: Atlas) -> bytes:
    """The secret that signs webhooks; made on first use. `inbox3d keys webhook` shows it to
    receivers."""
    path = atlas.signing_file
    with contextlib.suppress(FileExistsError):
        neighbour = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        if atlas.disk.lstat(path) is None:
            atlas.disk.write_new(neighbour, secrets.token_bytes(32).hex().encode())
            neighbour.chmod(0o600)
            try:
                path.hardlink_to(neighbour)
            finally:
                atlas.disk.unlink(neighbour)
    return bytes.fromhex(atlas.disk.read(path).decode())


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()
