"""Renders the MP4 of a record: H.264, yuv420p, 24 frames a second, with its index at the front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import av
from PIL import Image, ImageOps

from app.domain.catalog.spec import Facts, Spec
from app.simulator.scene import Scene

FRAME_RATE = 24
#: When a picture is shown, from 0 at the beginning to 1 at the end, and its file.
Picture = tuple[float, Path]
#: How long a picture stands still.
STILL_FRAMES = FRAME_RATE // 2
#: One thread and the fastest preset: the scenes are simple, and a render must leave CPU to others.
CODEC_OPTIONS = {"preset": "ultrafast", "crf": "26", "threads": "1"}
BT601_LIMITED = {"x264-params": "colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m"}


#: The upstream documents no defaults for omitted options; these are those of its sample.
_DEFAULT = Facts(seconds=5, aspect_ratio=(16, 9), lines=720)


def shown_facts(spec: Spec) -> Facts:
    """What the video shows of the request, and the defaults for the rest."""
    return Facts.of({**_DEFAULT.words, **spec.facts.words})


def frame_size(spec: Spec) -> tuple[int, int]:
    frame = shown_facts(spec).frame
    assert frame is not None
    return frame


def render(
    target: Path,
    spec: Spec,
    uuid: UUID,
    *,
    seconds: float | None = None,
    pictures: Sequence[Picture] = (),
) -> None:
    """Write the video to `target`. The same spec, uuid and pictures give the same bytes.

    `seconds` overrides the requested duration. Each picture stands still for a moment.
    """
    width, height = frame_size(spec)
    facts = shown_facts(spec)
    frames = math.ceil((seconds or facts.seconds or 0) * FRAME_RATE)
    scene = Scene(
        width=width,
        height=height,
        frames=frames,
        loop=bool(facts.loop),
        seed=uuid.int,
        prompt=facts.prompt or "",
        label=_label(spec, uuid),
    )
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=FRAME_RATE, options=CODEC_OPTIONS | BT601_LIMITED
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = 2 * FRAME_RATE
        stills = {
            round(when * (frames - STILL_FRAMES)): _still(path, width, height)
            for when, path in pictures
        }
        for number in range(frames):
            begun = [at for at in stills if at <= number < at + STILL_FRAMES]
            frame = stills[max(begun)] if begun else scene.frame(number).to_frame(width, height)
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _still(picture: Path, width: int, height: int) -> av.VideoFrame:
    """A frame filled with the middle of the picture."""
    with Image.open(picture) as image:
        filled = ImageOps.fit(image.convert("RGB"), (width, height))
    frame: av.VideoFrame = av.VideoFrame.from_image(filled)  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p")


def _label(spec: Spec, uuid: UUID) -> str:
    said = shown_facts(spec).words
    words = [spec.model, said["duration"], said["aspect_ratio"], said["resolution"]]
    words += ["loop"] if said.get("loop") else []
    return " · ".join([*words, str(uuid)[:8], "simulated, not made by Luma"])
