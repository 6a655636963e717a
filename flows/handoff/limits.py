"""Whether a platform takes an ad's texts: lengths, characters, what may not be missing, what a spreadsheet would run.

The numbers are those of placements.toml. A text that is too long is a complaint with how much to cut; one that is only
cut on the screen is counted. Changes no text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from flows.files import guard
from flows.handoff.ads import Ad
from flows.placements import get_placement
from flows.problems import Problems

#: Pictographs, flags, dingbats, keycaps and the mark that turns a sign into one.
_EMOJI = re.compile("[\U0001f000-\U0001faff☀-➿⬀-⯿️⃣⌚⌛⏩-⏺]")
_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
#: Signs before a number, as in "-20 % today": no formula that calls anything.
_HARMLESS = re.compile(r"[+-]\s?\d[^|!(=]*")


def check_texts(ad: Ad, problems: Problems, cut: Counter[str]) -> None:
    """Complain of what the platform would refuse; `cut` counts texts of which only the beginning is seen."""
    for name in ad.platform.needs:
        if not ad.texts.get(name):
            fix = f"Write `ads: {{{name}: …}}` in campaign.yaml"
            _complain(ad, problems, name, "text_missing", f"{ad.platform.title} takes no ad without it", fix)
    if not ad.link:
        fix = "Set `landing_url` in campaign.yaml, or add the column, and run again"
        problems.add("no_landing_url", "the ad leads nowhere", fix, row=ad.record.row, column="landing_url")
    if ad.platform.calls and ad.call not in ad.platform.calls:
        message = f"{ad.platform.title} has no such call to action"
        fix = f"Known there: {', '.join(sorted(ad.platform.calls))}"
        problems.add("call_not_offered", message, fix, value=ad.call, row=ad.record.row, column="ads.call_to_action")
    for name, text in {**ad.texts, "link": ad.link}.items():
        _check_length(ad, name, text, problems, cut)
    _check_characters(ad, problems)
    _check_formulas(ad, problems)


def _check_length(ad: Ad, name: str, text: str, problems: Problems, cut: Counter[str]) -> None:
    most = limit_of(ad, ad.platform.most.get(name, ()))
    if most is not None:
        over = excess(text, most, _east_asian_weight(ad, name))
        if over > 0:
            length = len(unicodedata.normalize("NFC", text))
            message = f"{length} characters, {most} are allowed in {ad.placement.title} ({ad.platform.title})"
            _complain(ad, problems, name, "text_too_long", message, f"Cut {over} character{'s' if over > 1 else ''}")
            return
    seen = limit_of(ad, ad.platform.shown.get(name, ()))
    if seen is not None and len(text) > seen:
        cut[f"{name}: only the first {seen} characters are seen in {ad.placement.title}"] += 1


def limit_of(ad: Ad, keys: Iterable[str]) -> int | None:
    """The strictest of these limits, by the ad's placement and the one that the sheet goes by; None without any."""
    tables = [ad.placement.text]
    if ad.platform.limits_of:
        tables.append(get_placement(ad.platform.limits_of).text)
    found = [limit for table in tables for key in keys if (limit := _product(table, key)) is not None]
    return min(found, default=None)


def _product(table: Mapping[str, object], key: str) -> int | None:
    product = 1
    for part in key.split("*"):
        value = table.get(part)
        if not isinstance(value, int):
            return None
        product *= value
    return product


def _east_asian_weight(ad: Ad, name: str) -> int:
    """How many characters one of Chinese, Japanese or Korean counts for; TikTok takes half as many of them."""
    most, wide = ad.placement.text.get("ad_text_max"), ad.placement.text.get("ad_text_max_cjk")
    both = isinstance(most, int) and isinstance(wide, int) and name == "primary_text"
    return round(most / wide) if both else 1  # type: ignore[operator]  # both are numbers then


def excess(text: str, most: int, wide_weight: int = 1) -> int:
    """How many characters must go, from the end, until a text fits; 0 when it does."""
    left = most
    letters = unicodedata.normalize("NFC", text)
    for index, letter in enumerate(letters):
        left -= wide_weight if unicodedata.east_asian_width(letter) in ("W", "F") else 1
        if left < 0:
            return len(letters) - index
    return 0


def _check_characters(ad: Ad, problems: Problems) -> None:
    text = ad.texts.get("primary_text", "")
    bad = sorted(set(ad.platform.refused) & set(text))
    if bad:
        message = f"{ad.platform.title} refuses {' '.join(bad)} in this text"
        _complain(ad, problems, "primary_text", "character_refused", message, "Take it out")
    if ad.placement.text.get("emoji") is False:
        found = _EMOJI.search(text)
        if found:
            message = f"{ad.platform.title} takes no emoji in this text ({found.group()})"
            _complain(ad, problems, "primary_text", "emoji_refused", message, "Take it out")
        if _LINK.search(text):
            message = f"{ad.platform.title} takes no address in this text"
            _complain(ad, problems, "primary_text", "link_refused", message, "Take it out: the ad has its landing page")


def _check_formulas(ad: Ad, problems: Problems) -> None:
    """A sheet is imported letter by letter, so its cells carry no apostrophe; nor may they be formulas then."""
    for name, text in {**ad.texts, "campaign": ad.campaign}.items():
        if guard(text) != text and not _HARMLESS.fullmatch(text):
            message = "a spreadsheet would run this as a formula, and the platform would show an apostrophe before it"
            _complain(ad, problems, name, "formula_text", message, "Begin with a letter or a number")


def opened_in_a_spreadsheet(ad: Ad) -> bool:
    """Whether a text of the ad would be spoilt by a spreadsheet program, such as "-20 % today"."""
    return any(guard(text) != text for text in ad.texts.values())


def _complain(ad: Ad, problems: Problems, name: str, code: str, message: str, fix: str) -> None:
    """About one text of the ad, with the way to give it another one."""
    source = ad.sources.get(name, "")
    if source.startswith("ads."):
        where = f"{fix} ({source} in campaign.yaml)"
    else:
        message += f", which is taken from {source.replace('_', ' ')}" if source else ""
        where = f"{fix}, or write `ads: {{{name}: …}}` in campaign.yaml" if source else fix
    problems.add(code, message, where, value=ad.texts.get(name, ""), row=ad.record.row, column=f"ads.{name}")
