"""LZF, the packing of PCD's binary_compressed: control bytes that announce literals or a copy of
what came before."""

from __future__ import annotations


def unpack(data: bytes, length: int) -> bytes | None:
    """The LENGTH bytes that DATA was packed from; None where it is damaged."""
    out = bytearray()
    at, end = 0, len(data)
    try:
        while at < end:
            control = data[at]
            at += 1
            if control < 32:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            many = control >> 5
            if many == 7:
                many += data[at]
                at += 1
            back = ((control & 31) << 8 | data[at]) + 1
            at += 1
            if back > len(out):
                return None
            _copy(out, back, many + 2)
            if len(out) > length:
                return None
    except IndexError:
        return None
    return bytes(out) if len(out) == length else None


def _copy(out: bytearray, back: int, many: int) -> None:
    """Append MANY bytes that begin BACK before the end; where they overlap the end, they repeat."""
    piece = out[-back:] if back > 0 else b""
    out += (piece * (many // back + 1))[:many] if back < many else piece[:many]
