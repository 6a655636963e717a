"""`spotmill init`: a campaign's folder that passes `check` as it is, made for one template.

Writes campaign.yaml with every key explained (`optional_keys.py` has those that it does without), brand.yaml, a rows
CSV with the template's own columns and example rows, and stand-ins for their pictures. The folder appears whole or not
at all, and nothing is ever overwritten.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import textwrap
from pathlib import Path

from flows.model import BadInput, Problem
from flows.optional_keys import optional_keys
from flows.problems import did_you_mean, shown
from flows.stand_in import draw_stand_in
from flows.template import SHIPPED, Template, load_template, template_names

PLACEMENTS = {
    "tiktok_infeed": "9:16",
    "instagram_reels": "9:16",
    "instagram_feed_4x5": "4:5",
    "linkedin_square": "1:1",
    "youtube_instream": "16:9, at least 10 s",
}


def init_campaign(folder: Path, template: str) -> list[Path]:
    """Start a campaign and return the files that were written.

    Raises: BadInput when the template does not exist, or the folder holds anything already.
    """
    if template not in template_names():
        raise _refuse("unknown_template", template, "no such template", did_you_mean(template, template_names()))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _refuse(
            "folder_not_empty", str(folder), "the folder is not empty", "Name a new one; nothing is overwritten"
        )
    loaded = load_template(SHIPPED / template)
    name = folder.resolve().name
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.resolve().parent))
    try:
        made.chmod(0o755)  # mkdtemp keeps others out; a campaign is for the team
        files = [_write(made, path, content) for path, content in _contents(loaded, name).items()]
        files += [draw_stand_in(made / picture, number) for number, picture in enumerate(_pictures(loaded))]
        made.replace(folder.resolve())
    except OSError as error:
        raise _refuse("cannot_write", str(folder), f"the folder cannot be written ({error.strerror})", "") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return [folder / file.relative_to(made) for file in files]


def _refuse(code: str, value: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("init", None, None, code, shown(value), message, fix),))


def _write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def _contents(template: Template, name: str) -> dict[str, str]:
    title = name.replace("-", " ").replace("_", " ").strip().title() or "Campaign"
    return {"campaign.yaml": _campaign(template, title), "rows.csv": _rows(template), "brand.yaml": _brand(title)}


def _pictures(template: Template) -> list[str]:
    images = [name for name, variable in template.spec.variables.items() if variable.type == "image"]
    named = [row[name] for row in template.spec.example_rows for name in images if row.get(name)]
    return list(dict.fromkeys(named))


def _rows(template: Template) -> str:
    """The template's columns, each with its localised ones beside it, and its example rows."""
    examples = template.spec.example_rows
    given = list(dict.fromkeys(column for row in examples for column in row))
    columns = ["row_id"]
    for name in template.variables:
        columns += [name] if name in template.spec.variables else []
        columns += [column for column in given if column.partition(".")[0] == name and column not in columns]
    columns += [column for column in given if column not in columns]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(examples)
    # The byte order mark is for Excel, which reads UTF-8 without one as something else.
    return "\ufeff" + text.getvalue()


def _brand(title: str) -> str:
    return f"""\
# How the brand looks. Files lie in this folder.
name: {json.dumps(title, ensure_ascii=False)}
colours:                # #rrggbb
  primary: "#1d3557"    # grounds and plates
  accent: "#e63946"     # the call to action, the price
  ink: "#14213d"        # dark text
  paper: "#ffffff"      # light text and light grounds
# logo: assets/logo.png # PNG or WebP with transparency; without one the name is written
# fonts: [assets/Brand-Bold.ttf]
font_family: manrope    # used where `fonts` has no letter: manrope, hanken-grotesk, source-sans
# watermark: {json.dumps(title.lower(), ensure_ascii=False)}  # the name unless written; "" for none
"""


def _campaign(template: Template, title: str) -> str:
    spec = template.spec
    placements = "\n".join(f"  - {name}  # {about}" for name, about in PLACEMENTS.items())
    factors = "\n".join(
        f"  {name}: [{', '.join(factor.arms)}]  # {factor.description}" for name, factor in spec.factors.items()
    )
    money = any(variable.type == "money" for variable in spec.variables.values())
    currency = "currency: USD            # where a row says no other; or {en-US: USD, de-DE: EUR}\n" if money else ""
    about = textwrap.fill(f"{spec.title}: {spec.description}", 100, initial_indent="# ", subsequent_indent="# ")
    length = f"{spec.seconds.min:g} to {spec.seconds.max:g}"
    return f"""\
{about}
name: {json.dumps(title, ensure_ascii=False)}
template: {template.name}   # `spotmill templates` lists them; or a folder in here with a template.yaml
rows: rows.csv
brand: brand.yaml

# Every row becomes one film for each language, segment and variant, unless its own column says otherwise.
locales: [{", ".join(spec.example_locales)}]
factors:                        # what is tested; the first arm is the control. Also: look, music
{factors}
placements:                     # `spotmill placements` lists them
{placements}

{currency}seconds: {spec.seconds.default:g}               # {length}; a placement that needs more gets more
seed: 1                  # another seed, other pictures
engine: auto             # `spotmill engines`; auto takes the best that runs here
voice: auto              # `spotmill voices`; none makes films without speech
quality: final           # final, archive or preview

landing_url: https://example.com/
utm: {{utm_medium: paid_social}}

{optional_keys(spec.look, spec.music)}"""
