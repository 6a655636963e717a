"""Where ads are shown: codes of countries, the European Union as its members, and the countries behind a locale.

Territories and official languages are CLDR's, as babel has them. Knows no campaign and no licence.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from flows.values import BadValue

#: Members of the European Union, and the territories in its law that have codes of their own: the outermost regions
#: (Canaries, Guadeloupe, Guiana, Martinique, Mayotte, Réunion, Saint Martin), Ceuta and Melilla, Åland.
EUROPEAN_UNION = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IC", "GP", "GF", "MQ", "YT", "RE", "MF", "EA", "AX",
))  # fmt: skip
#: Countries that a sentence lists; English is official in 93.
MOST_NAMED = 12
#: Codes that people write for others.
_HABITS = {"UK": "GB", "EL": "GR", "USA": "US"}
#: What makes a language one of a country; a region's own counts too, since the gate has to be the cautious one.
_OFFICIAL = ("official", "de_facto_official", "official_regional")


def territory(text: str) -> str:
    """Read an ISO 3166 code of two letters, or EU.

    Raises: BadValue.
    """
    from babel import Locale

    code = text.strip().upper()
    if code in _HABITS:
        raise BadValue("not the code of a country", f"Write {_HABITS[code]}")
    # CLDR knows ZZ (unknown) and EZ (euro area) besides; QO, XA and XB are its own inventions.
    if len(code) != 2 or code in ("ZZ", "EZ", "QO", "XA", "XB", "UN") or code not in Locale("en").territories:
        raise BadValue("not the code of a country", "Write the two letters of ISO 3166, like US, DE or KR, or EU")
    return code


def each(codes: Iterable[str]) -> frozenset[str]:
    """The countries that codes stand for: EU is its members, UK is GB."""
    found: set[str] = set()
    for code in codes:
        found |= EUROPEAN_UNION if code == "EU" else {_HABITS.get(code, code)}
    return frozenset(found)


def named(countries: Iterable[str]) -> str:
    """Countries for people: the members of the European Union as EU where all are there, a long list cut."""
    left = set(countries)
    if left >= EUROPEAN_UNION:
        left = left - EUROPEAN_UNION | {"EU"}
    shown = sorted(left)
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return ", ".join(shown[:MOST_NAMED]) + more


@lru_cache(maxsize=1024)
def territories_of(locale: str) -> frozenset[str]:
    """The countries that a locale may be meant for: its region, or all where its language is official.

    A language that is official nowhere counts for every country in which CLDR has speakers of it. Regions of the
    world (`es-419`, `en-150`) count like none at all.
    """
    language, *rest = locale.split("-")
    regions = [part for part in rest if len(part) == 2 and part.isalpha()]
    return frozenset(regions[:1]) if regions else _official(language)


def _official(language: str) -> frozenset[str]:
    from babel.core import get_global

    official, spoken = set(), set()
    for country, languages in get_global("territory_languages").items():
        # Scripts have entries of their own: `zh` is official in China, `zh_Hant` in Taiwan.
        facts = [fact for name, fact in languages.items() if name.partition("_")[0] == language]
        if facts:
            spoken.add(country)
        if any(fact["official_status"] in _OFFICIAL for fact in facts):
            official.add(country)
    return frozenset(official or spoken)
