"""What happens to a film on its way through platforms and hands: each attack by the ffmpeg program, as a new file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from generation.media.ffmpeg import find_ffmpeg

#: Cut out of the picture: nine tenths of both sides, off its middle.
_CROP = "crop=trunc(iw*0.45)*2:trunc(ih*0.45)*2:iw*0.03:ih*0.07"
_HALF = "scale=trunc(iw/4)*2:trunc(ih/4)*2"
_PILLARS = "pad=trunc(iw*0.75)*2:ih:(ow-iw)/2:0"
_LETTERS = "scale=trunc(iw*0.28)*2:trunc(ih*0.28)*2,pad=iw:trunc(ih*0.6)*2:0:(oh-ih)/2"
#: Four thirds of the width would do; a phone's film in a player that lies on its side has more.
_SIDEWAYS = "scale=-2:trunc(iw/2)*2,pad=trunc(ih*8/9)*2:ih:(ow-iw)/2:0"


def _x264(crf: int, *filters: str, more: tuple[str, ...] = ()) -> list[str]:
    chain = ["-vf", ",".join(filters)] if filters else []
    return [*chain, *more, "-c:v", "libx264", "-preset", "medium", "-crf", str(crf)]


_X265 = ["-c:v", "libx265", "-preset", "medium", "-crf", "30", "-x265-params", "log-level=error:pools=1"]
_GRADE = "eq=brightness=0.06:contrast=1.15:gamma=1.1:saturation=1.2"
_LOGO = "drawbox=x=iw/18:y=ih/32:w=iw*0.42:h=ih/8:color=red:t=fill"

#: Name -> generations, each the arguments of one encode. crf 28 where nothing else is said.
ATTACKS: dict[str, list[list[str]]] = {
    "x264 crf 23": [_x264(23)],
    "x264 crf 28": [_x264(28)],
    "x264 crf 33": [_x264(33)],
    "x265 crf 30": [_X265],
    "half size, crf 23": [_x264(23, _HALF)],
    "half size, crf 28": [_x264(28, _HALF)],
    "10 % cropped": [_x264(28, _CROP)],
    "10 % cropped, back to size": [_x264(28, _CROP, "scale=trunc(iw/1.8)*2:trunc(ih/1.8)*2")],
    "square reframe": [_x264(28, "crop=min(iw\\,ih):min(iw\\,ih)")],
    "24 fps": [_x264(28, more=("-r", "24"))],
    "15 fps": [_x264(28, more=("-r", "15"))],
    "re-graded": [_x264(28, _GRADE)],
    "logo box": [_x264(28, _LOGO)],
    "3 s cut out": [_x264(28, more=("-ss", "0.7", "-t", "3"))],
    "mirrored": [_x264(28, "hflip")],
    "pillar-box": [_x264(28, _PILLARS)],
    "letter-box": [_x264(28, _LETTERS)],
    "sideways player": [_x264(28, _SIDEWAYS)],
    "rotated 2°": [_x264(28, "rotate=2*PI/180")],
    "stretched 8 %": [_x264(28, "scale=trunc(iw*0.54)*2:ih")],
    "three generations, 540 px, crf 26": [_x264(26), _x264(26, "scale=540:-2"), _x264(26)],
    "half + 10 % cropped + 24 fps": [_x264(28, _HALF, _CROP, more=("-r", "24"))],
}


def attack(name: str, film: Path, folder: Path) -> Path:
    """The film after an attack. Raises: CalledProcessError."""
    before = film
    for number, arguments in enumerate(ATTACKS[name]):
        after = folder / f"attacked{number}.mp4"
        argv = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", "-i", str(before), *arguments, "-an"]
        subprocess.run([*argv, "-threads", "1", str(after)], check=True, timeout=300, capture_output=True)
        before = after
    return before
