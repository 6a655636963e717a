"""The words around a film in somebody's feed: `ads:` and `naming:` of campaign.yaml, checked and rendered.

Each is a template over the row's variables, sandboxed like all others, one text or one per locale. Columns under
`ignore_columns` may be read here too, so that a CSV can bring ad texts of its own. Knows no platform and no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from flows.brand import WrittenFile, read_as
from flows.columns import plain_name
from flows.localise import fallbacks, locale_tag
from flows.problems import Problems
from flows.template import GIVEN, Template
from flows.templating import Text, check_text

#: Texts that a platform may ask for.
TEXTS = ("primary_text", "headline", "long_headline", "description", "business_name")
#: Calls to action; platforms.toml has each platform's word for them.
CALLS = (
    "learn_more", "shop_now", "sign_up", "download", "get_quote", "book_now", "contact_us", "subscribe", "apply_now",
    "order_now", "watch_now",
)  # fmt: skip
#: Never the same twice: the creative's name is unique, and it goes to a placement once.
NAMING = "{{ creative_id }}_{{ placement }}"
#: Variables that differ between an ad's placements.
OF_PLACEMENT = frozenset(("placement", "platform", "aspect"))
#: Variables that come from the delivery itself, beside those of its row.
OF_DELIVERY = (
    "creative_id",
    "variant",
    "placement",
    "platform",
    "aspect",
    "film_headline",
    "film_voiceover",
    "film_cta",
)


def _by_locale(value: Any) -> Any:
    return {"": value} if isinstance(value, str) else value


ByLocale = Annotated[dict[str, str], BeforeValidator(_by_locale)]


class AdsFile(WrittenFile):
    """`ads:` in campaign.yaml."""

    primary_text: ByLocale = Field(default_factory=dict)
    headline: ByLocale = Field(default_factory=dict)
    long_headline: ByLocale = Field(default_factory=dict)
    description: ByLocale = Field(default_factory=dict)
    business_name: ByLocale = Field(default_factory=dict)
    call_to_action: ByLocale = Field(default_factory=dict)

    @field_validator("*")
    @classmethod
    def _tags(cls, texts: dict[str, str]) -> dict[str, str]:
        return {read_as(locale_tag, tag) if tag else "": text for tag, text in texts.items()}

    def written(self) -> dict[str, dict[str, str]]:
        """What was written: text -> locale ("" is any) -> template."""
        return {name: texts for name in type(self).model_fields if (texts := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Wording:
    """Checked templates of a campaign's ads."""

    naming: Text
    #: Text -> locale -> template.
    texts: Mapping[str, Mapping[str, Text]]

    def text(self, name: str, locale: str) -> Text | None:
        """The template of a text for a locale, the most specific one; None when none serves it."""
        by_locale = self.texts.get(name, {})
        return next((by_locale[tag] for tag in (*fallbacks(locale), "") if tag in by_locale), None)


def check_wording(
    ads: Mapping[str, Mapping[str, str]],
    naming: str,
    template: Template,
    factors: Iterable[str],
    notes: Iterable[str],
    problems: Problems,
) -> Wording | None:
    """The templates of a campaign, or None after a complaint. `notes` are the columns that no template reads."""
    before = len(problems.found)
    kinds = kinds_of(template, factors, notes)

    def checked(place: str, source: str) -> Text | None:
        return check_text(place, source, kinds, problems.of(f"{problems.file}, {place}"))

    name = checked("naming", naming or NAMING)
    texts = {
        text: {tag: checked(f"ads.{text}{f'.{tag}' if tag else ''}", source) for tag, source in by_locale.items()}
        for text, by_locale in ads.items()
    }
    if name is None or len(problems.found) > before:
        return None
    return Wording(name, {text: {tag: one for tag, one in found.items() if one} for text, found in texts.items()})


def kinds_of(template: Template, factors: Iterable[str], notes: Iterable[str]) -> dict[str, str]:
    """Every variable that these templates may read, and its type."""
    kinds: dict[str, str] = dict.fromkeys(map(plain_name, notes), "text")
    kinds |= dict.fromkeys(OF_DELIVERY, "text")
    kinds |= {**GIVEN, **{name: variable.type for name, variable in template.variables.items()}}
    return kinds | dict.fromkeys((*template.spec.factors, *factors), "text")
