"""Reads the boxes of an MP4 file (ISO/IEC 14496-12) to tell whether the file is complete.

Libav opens a truncated file without an error if its index comes first. The index gives the position
of every frame; a file is complete if all these positions lie within it. Nothing here decodes
anything.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from operator import gt
from typing import BinaryIO

#: The index of a ten-second video takes a few kilobytes. The bounds keep a hostile file from taking
#: more than a moment.
MAX_INDEX_BYTES = 16 << 20
MAX_BOXES = 10_000

#: The size and kind of a box.
HEAD_BYTES = 8
#: The kinds that an MP4 may begin with. Libav also plays files without `ftyp`, as QuickTime wrote
#: them.
_FIRST = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid",
     b"sidx", b"emsg", b"prft"}
)  # fmt: skip
_KEPT = (b"vide", b"soun")
_UNIT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class NotAVideo(Exception):
    """The file is not a complete MP4 with a video in it. The message is a short reason, safe to
    show."""


@dataclass(slots=True)
class Track:
    """A sound or video track. `width` and `height` are what the index claims, in coded pixels.
    `turn` holds the signs of the display matrix's a, b, c and d: (1, 0, 0, 1) is upright. `end` is
    the position after the last byte of its samples."""

    kind: bytes
    id: int = 0
    width: int = 0
    height: int = 0
    turn: tuple[int, int, int, int] = (1, 0, 0, 1)
    samples: int = 0
    end: int = 0

    @property
    def sideways(self) -> bool:
        """Whether a player swaps width and height."""
        return self.turn[0] == 0


def begins_like_one(head: bytes) -> bool:
    """Whether these first bytes, at least eight, may be those of an MP4."""
    if len(head) < HEAD_BYTES:
        return False
    size, kind = struct.unpack_from(">I4s", head)
    return kind in _FIRST and (size in (0, 1) or size >= HEAD_BYTES)


def read_tracks(file: BinaryIO) -> list[Track]:
    """The tracks of a complete file. Raises `NotAVideo`, and `OSError`."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not begins_like_one(file.read(HEAD_BYTES)):
        raise NotAVideo("it is not an MP4 file")
    tracks: dict[int, Track] | None = None
    left = MAX_INDEX_BYTES
    defaults: dict[int, int] = {}
    for kind, at, start, stop in _outer_boxes(file, end):
        if kind not in (b"moov", b"moof"):
            continue
        if stop > end:
            raise NotAVideo("it is truncated")
        left -= stop - at
        if left < 0:
            raise NotAVideo("its index is too large")
        file.seek(start)
        content = memoryview(file.read(stop - start))
        try:
            if kind == b"moov" and tracks is None:
                tracks, defaults = _movie(content)
            elif kind == b"moof":
                _fragment(content, at, tracks or {}, defaults)
        except (struct.error, IndexError):
            raise NotAVideo("its index cannot be read") from None
    file.seek(0)
    if tracks is None or any(track.end > end for track in tracks.values()):
        raise NotAVideo("it is truncated")
    return list(tracks.values())


def _outer_boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, start, start of the content, and end of each outermost box, up to the first thing that
    is not a box: players ignore trailing bytes."""
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < HEAD_BYTES:
            return
        size, kind = struct.unpack_from(">I4s", head)
        least = HEAD_BYTES
        if size == 1 and len(head) == 16:
            size, least = struct.unpack_from(">Q", head, 8)[0], 16
        elif size == 0:  # the last box may extend to the end of the file
            size = end - at
        if size < least or not (kind.isascii() and kind.decode("ascii").isprintable()):
            return
        yield kind, at, at + least, at + size
        at += size
        if at >= end:
            return


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes within a box. One that extends beyond its parent ends with it, as in Libav."""
    at = 0
    while at + HEAD_BYTES <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        start = at + HEAD_BYTES
        if size == 1:
            size, start = struct.unpack_from(">Q", content, start)[0], start + 8
        elif size == 0:
            size = len(content) - at
        if size < start - at:
            return
        yield kind, content[start : at + size]
        at += size


def _find(content: memoryview, *path: bytes) -> memoryview | None:
    """The content of the first box under a path of kinds."""
    for wanted in path:
        found = next((inner for kind, inner in _boxes(content) if kind == wanted), None)
        if found is None:
            return None
        content = found
    return content


def _movie(moov: memoryview) -> tuple[dict[int, Track], dict[int, int]]:
    """Tracks by their id, and the default sample sizes for fragments."""
    movie, tracks, defaults = _UNIT, dict[int, Track](), dict[int, int]()
    for kind, inner in _boxes(moov):
        if kind == b"mvhd":
            movie = struct.unpack_from(">9i", inner, 48 if inner[0] == 1 else 36)
        elif kind == b"trak":
            track = _track(inner, movie)
            if track is not None:
                # Two tracks with one id are an error that Libav tolerates; keep both.
                tracks[track.id if track.id not in tracks else -len(tracks)] = track
        elif kind == b"mvex":
            for name, trex in _boxes(inner):
                if name == b"trex":
                    track_id, _, _, size = struct.unpack_from(">4I", trex, 4)
                    defaults[track_id] = size
    return tracks, defaults


def _track(trak: memoryview, movie: tuple[int, ...]) -> Track | None:
    handler = _find(trak, b"mdia", b"hdlr")
    table = _find(trak, b"mdia", b"minf", b"stbl")
    if handler is None or table is None or bytes(handler[8:12]) not in _KEPT:
        return None
    track = Track(bytes(handler[8:12]))
    head = _find(trak, b"tkhd")
    if head is not None:
        wide = head[0] == 1
        (track.id,) = struct.unpack_from(">I", head, 20 if wide else 12)
        own = struct.unpack_from(">9i", head, 52 if wide else 40)
        track.turn = _turn(own, movie)
    entry = _find(table, b"stsd")
    if track.kind == b"vide" and entry is not None and len(entry) >= 8 + 36:
        # The first entry: its size and kind, then the 24 bytes before width and height.
        track.width, track.height = struct.unpack_from(">2H", entry, 8 + 8 + 24)
    _Samples(table).count(track)
    return track


def _turn(own: tuple[int, ...], movie: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Both matrices multiplied, as in Libav, and rounded to a quarter turn."""
    a, b, c, d = (
        sum(own[3 * row + n] * movie[3 * n + column] for n in (0, 1)) >> 16
        for row in (0, 1)
        for column in (0, 1)
    )
    if not any((a, b, c, d)):
        return 1, 0, 0, 1
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return -1 if a < 0 else 1, 0, 0, -1 if d < 0 else 1
    return 0, -1 if b < 0 else 1, -1 if c < 0 else 1, 0


@dataclass(slots=True)
class _Samples:
    """The sample table of a track: sizes, chunks, and the samples of each chunk."""

    table: memoryview
    sizes: array[int] = field(default_factory=lambda: array("I"))

    def count(self, track: Track) -> None:
        """Records the number of samples and the end of the last one."""
        fixed = self._read_sizes(track)
        offsets = self._offsets()
        starts = [] if fixed else [0, *accumulate(self.sizes)]
        first = 0
        for chunk, per_chunk in self._runs(len(offsets)):
            if first >= track.samples:
                return
            last = min(first + per_chunk, track.samples)
            size = (last - first) * fixed if fixed else starts[last] - starts[first]
            if size:
                track.end = max(track.end, offsets[chunk] + size)
            first = last

    def _read_sizes(self, track: Track) -> int:
        """The size of every sample, or 0 if each has its own."""
        if (box := _find(self.table, b"stsz")) is not None:
            fixed: int
            fixed, track.samples = struct.unpack_from(">2I", box, 4)
            if not fixed:
                self.sizes = _numbers("I", box[12:], track.samples)
            return fixed
        if (box := _find(self.table, b"stz2")) is not None:
            bits, track.samples = struct.unpack_from(">xxxBI", box, 4)
            packed = box[12:]
            if bits == 4:
                both = ((byte >> 4, byte & 15) for byte in packed[: (track.samples + 1) // 2])
                self.sizes = array("I", [size for pair in both for size in pair][: track.samples])
            else:
                self.sizes = array("I", _numbers("B" if bits == 8 else "H", packed, track.samples))
            if len(self.sizes) < track.samples:
                raise NotAVideo("its index cannot be read")
        return 0

    def _offsets(self) -> array[int]:
        if (box := _find(self.table, b"stco")) is not None:
            return _numbers("I", box[8:], struct.unpack_from(">I", box, 4)[0])
        if (box := _find(self.table, b"co64")) is not None:
            return _numbers("Q", box[8:], struct.unpack_from(">I", box, 4)[0])
        return array("I")

    def _runs(self, chunks: int) -> Iterator[tuple[int, int]]:
        """Each chunk, counted from 0, with its number of samples."""
        box = _find(self.table, b"stsc")
        if box is None:
            return
        entries = _numbers("I", box[8:], 3 * struct.unpack_from(">I", box, 4)[0])
        firsts, counts = entries[0::3], entries[1::3]
        if any(map(gt, firsts, firsts[1:])):
            raise NotAVideo("its index cannot be read")
        for number, count in enumerate(counts):
            after = firsts[number + 1] if number + 1 < len(firsts) else chunks + 1
            for chunk in range(max(firsts[number], 1), min(after, chunks + 1)):
                yield chunk - 1, count


def _numbers(kind: str, content: memoryview, count: int) -> array[int]:
    """`count` big-endian numbers. Raises `NotAVideo` if there are fewer."""
    found = array(kind)
    needed = count * found.itemsize
    if len(content) < needed:
        raise NotAVideo("its index cannot be read")
    found.frombytes(content[:needed])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _fragment(
    moof: memoryview, at: int, tracks: dict[int, Track], defaults: dict[int, int]
) -> None:
    """Records the samples of one fragment, which starts at `at`."""
    base = at
    for kind, traf in _boxes(moof):
        if kind != b"traf" or (head := _find(traf, b"tfhd")) is None:
            continue
        flags, track_id = struct.unpack_from(">2I", head)
        place = 8
        if flags & 0x1:
            (base,) = struct.unpack_from(">Q", head, place)
            place += 8
        elif flags & 0x20000:
            base = at
        place += 4 * bool(flags & 0x2) + 4 * bool(flags & 0x8)
        default = defaults.get(track_id, 0)
        if flags & 0x10:
            (default,) = struct.unpack_from(">I", head, place)
        track = tracks.get(track_id, Track(b""))
        reached = base
        for name, trun in _boxes(traf):
            if name == b"trun":
                reached = _run(trun, base, reached, default, track)
        # Without a base of its own, the next track's samples follow these.
        base = reached


def _run(trun: memoryview, base: int, reached: int, default: int, track: Track) -> int:
    """Records one run of samples; returns its end."""
    count: int
    flags, count = struct.unpack_from(">2I", trun)
    place, start = 8, reached
    if flags & 0x1:
        start = base + struct.unpack_from(">i", trun, place)[0]
        place += 4
    place += 4 * bool(flags & 0x4)
    fields = [bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800)]
    size = count * default
    if fields[1]:
        values = _numbers("I", trun[place:], count * sum(fields))
        size = sum(values[fields[0] :: sum(fields)])
    track.samples += count
    if size:
        track.end = max(track.end, start + size)
    return start + size
