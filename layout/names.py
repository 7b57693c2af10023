"""Names: job ids, folder names of the state tree, and which names in a drop are not the person's
own.

A folder name answers an operator's question by itself: ``vase-7k3f9q2mxa@scan.1`` waits for queue
scan after one start. Everything the pipeline names is ASCII ``[a-z0-9-]`` (plus ``@`` and ``.`` as
separators), so that it is the same name on NFS, SMB, Windows and macOS; the person's own name lives
in job.json.
"""

from __future__ import annotations

import functools
import re
import secrets
import unicodedata
from typing import NamedTuple

from layout.temporary import temporary

__all__ = [
    "ALPHABET",
    "MAX_BYTES",
    "RESERVED",
    "STATUS_NAME",
    "Claimed",
    "Processing",
    "claimed_name",
    "fold",
    "harmless",
    "id_of",
    "ignored",
    "is_halt",
    "is_id",
    "left_out",
    "named",
    "new_id",
    "nonce",
    "parse_claimed",
    "parse_processing",
    "processing_name",
    "slug",
    "split_id",
    "temporary",
    "without_go",
    "worker_name",
]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32, lower case: no i, l, o, u
KNOWN = (
    1 << 14
)  # names whose parts are remembered: every look at a folder asks for all of them again
MAX_BYTES = 48  # of a slug and of a worker's name
STATUS_NAME = "STATUS.txt"
_HALT = re.compile(
    r"halt(?:\.txt)*[ .]*"
)  # .txt unseen, a blank behind: it is to stop all the same
RESERVED = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin",
        "conout",
        *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
    }
)

_SLUG = "[a-z0-9]+(?:-[a-z0-9]+)*"
_ID = re.compile(f"({_SLUG})-([{ALPHABET}]{{10}})")
_WORD = re.compile(_SLUG)
_STATE = re.compile(r"([a-z0-9-]+)@([a-z0-9-]+)\.(0|[1-9][0-9]{0,8})")
_RUBBISH = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "@recycle",
        "@synoresource",
        "#recycle",
        "#snapshot",
        "__macosx",
        "_gsdata_",
        "lost+found",
        "$recycle.bin",
        "system volume information",
        "network trash folder",
        "temporary items",
        "thevolumesettingsfolder",
        "aquota.user",
        "aquota.group",
    }
)
_QUIET = re.compile(
    r"\._.*|\.(?:ds_store|localized|apdisk|directory|hidden|trash.*|spotlight-v100|fseventsd|documentrevisions-v100|temporaryitems"
    r"|st(?:folder|versions|ignore)|sync(?:id|ignore|archive|_\w+\.db.*)?|dropbox(?:\.attr)?|(?:own|next)cloudsync\.log.*|snapshots?|zfs|@.*"
    r"|recycle|streams|windows|apple(?:double|db|desktop)|volumeicon\.icns|com\.apple\..*|metadata_never_index"
    r"|nfs.*|fuse_hidden.*|trashed-.*|status\.txt\..*)"
)
# streams that a server or a copying tool could not attach to their file
_STREAM = re.compile(
    r"[^:\uf022\uf03a]+[:\uf022\uf03a](?:zone\.identifier|smartscreen|encryptable|afp_(?:afpinfo|resource)|com\.dropbox\..*)"
)


class Claimed(NamedTuple):
    """Parts of a name in claimed/."""

    hidden: bool
    id: str
    queue: str
    n: int


class Processing(NamedTuple):
    """Parts of a name in processing/ and in staging/."""

    id: str
    worker: str
    n: int


def slug(name: str) -> str:
    """NAME as ``[a-z0-9-]``, at most 48 bytes, never empty, never a reserved Windows name."""
    ascii_name = unicodedata.normalize("NFKD", fold(name)).encode("ascii", "ignore").decode()
    word = _words(ascii_name)[:MAX_BYTES].strip("-") or "drop"
    return f"drop-{word}" if word in RESERVED else word


def new_id(name: str) -> str:
    """A job id for a drop that its person calls NAME: its slug and ten random characters."""
    return f"{slug(name)}-{nonce(10)}"


def is_id(text: str) -> bool:
    return split_id(text) is not None


def trashed_id(name: str) -> str | None:
    """The id of the deleted job that NAME in trash/ bears; None where it is the pipeline's own
    leftover."""
    day, mark, rest = name.partition("~")
    id, dot, _ = rest.rpartition(".")
    return id if mark and dot and len(day) == 10 and is_id(id) else None


@functools.lru_cache(KNOWN)
def split_id(text: str) -> tuple[str, str] | None:
    """(slug, random part) of a job id, or None if TEXT is none."""
    match = _ID.fullmatch(text)
    return (
        (match[1], match[2])
        if match and len(match[1]) <= MAX_BYTES and match[1] not in RESERVED
        else None
    )


def id_of(name: str) -> str | None:
    """The job id that a folder name bears, in any state: ``<id>``, ``<id>@….<n>`` or
    ``.<id>@….<n>``."""
    claimed = parse_claimed(name)
    return claimed.id if claimed else name if is_id(name) else None


def named(name: str) -> tuple[str, int] | None:
    """(id, n) that a job's folder bears wherever a person moved it: as ``id_of``, or ``<id>-<n>``,
    the name beside a taken ``<id>``."""
    plain = without_go(name)
    if parsed := parse_claimed(plain):
        return parsed.id, parsed.n
    if is_id(plain):
        return plain, 0
    id, _, n = plain.rpartition("-")
    return (id, int(n)) if is_id(id) and n.isascii() and n.isdigit() and len(n) <= 9 else None


def nonce(length: int = 4) -> str:
    """LENGTH random characters of Crockford's base32."""
    return _random(length)


def worker_name(host: str, device: str, nonce: str | None = None) -> str:
    """``host-device-xxxx``: ``[a-z0-9-]``, at most 48 bytes (a long host is cut); xxxx is drawn
    anew unless given."""
    tail = f"{slug(device)[:24].strip('-')}-{nonce or _random(4)}"
    return f"{slug(host)[: MAX_BYTES - len(tail) - 1].strip('-')}-{tail}"


def claimed_name(id: str, queue: str, n: int, *, hidden: bool = False) -> str:
    return f"{'.' if hidden else ''}{id}@{queue}.{n}"


@functools.lru_cache(KNOWN)
def parse_claimed(name: str) -> Claimed | None:
    """The parts of ``<id>@<queue>.<n>``, with or without the leading dot; None if NAME is not a
    job's."""
    match = _STATE.fullmatch(name.removeprefix("."))
    if match and is_id(match[1]) and _is_word(match[2]):
        return Claimed(name.startswith("."), match[1], match[2], int(match[3]))
    return None


def processing_name(id: str, worker: str, n: int) -> str:
    return f"{id}@{worker}.{n}"


def parse_processing(name: str) -> Processing | None:
    """The parts of ``<id>@<worker>.<n>``; None if NAME is not a job's."""
    parts = parse_claimed(name)
    return Processing(parts.id, parts.queue, parts.n) if parts and not parts.hidden else None


def ignored(name: str, folder: bool = False) -> bool:
    """Is NAME (one path component; FOLDER: of a folder) left out of drops and checksums: rubbish of
    file managers, sync tools and ours?"""
    low = name.lower()
    return (
        low.startswith((".", "~$"))
        or low in _RUBBISH
        or (not folder and _is_ours(low))
        or _STREAM.fullmatch(low) is not None
        or temporary(name)
    )


def left_out(path: str) -> bool:
    """Is the file at PATH, relative to its drop, left out: by its own name or by that of a folder
    it lies in?"""
    *folders, name = path.split("/")
    return ignored(name) or any(ignored(part, folder=True) for part in folders)


def harmless(name: str) -> bool:
    """Is NAME, an ignored one, no drop of anybody's: what systems and sync tools leave lying about
    by themselves?"""
    low = name.lower()
    return low in _RUBBISH or _is_ours(low) or any(k.fullmatch(low) for k in (_QUIET, _STREAM))


def is_halt(name: str) -> bool:
    """Does a file of that NAME, in any case, halt the line?"""
    return name[:1] in "hH" and _HALT.fullmatch(name.lower()) is not None


def _is_ours(low: str) -> bool:
    """As a file; a folder of such a name is a person's."""
    return low == STATUS_NAME.lower() or is_halt(low)


def without_go(name: str) -> str:
    """NAME as the person knew it before saying "go" by renaming it to NAME.go."""
    return name[:-3] if len(name) > 3 and name.lower().endswith(".go") else name


def fold(name: str) -> str:
    """NAME as case- and normalisation-blind file systems compare it: two names with the same fold
    are one on SMB."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _words(text: str) -> str:
    return "-".join(re.findall("[a-z0-9]+", text.lower()))


def _is_word(text: str) -> bool:
    return len(text) <= MAX_BYTES and _WORD.fullmatch(text) is not None
