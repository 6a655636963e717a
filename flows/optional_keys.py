"""The optional keys of campaign.yaml as `spotmill init` shows them: each a commented example with a line of why.

Who takes the `# ` away has a key that `check` accepts, once the file that it names is there; the tests do so with every
one. A new key of `brief.CampaignFile` is a line here. Knows no campaign.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

#: Where the whys begin, after an example that leaves them the room.
_COLUMN = 46

#: What keys are for -> the example, and why one would want it.
OPTIONAL: dict[str, tuple[tuple[str, str], ...]] = {
    "Rows and audiences": (
        ("segments: [gamers, parents]", "audiences with texts of their own: one film more for each"),
        ("ignore_columns: [notes]", "columns of rows.csv for people only, as those with a leading _"),
        ("asset_hosts: [cdn.example.com]", "rows may name pictures and films by https address there"),
        ("gone_rows: retire", "films whose rows are gone from rows.csv move aside; keep leaves them"),
        ("experiment: {assign: hash, lift: 0.1}", "each row in one variant only; docs/experiments.md"),
    ),
    "How it looks and sounds": (
        ("look: {look}", "style; `spotmill looks`"),
        ("music: {music}", "uplifting, calm, tech, luxury, playful or none"),
        ("profile: draft", "everything small and quick, to look at; never published"),
        ("engine_options: {motion: 1.5}", "an engine's own options; this one is animatic's"),
        ("speed: balanced", "exact, balanced or fast, for engines that have speeds"),
        (
            "look_loras: {{look}: [loras/film.safetensors:0.6]}",
            "a LoRA for all films in a look, where the engine takes it",
        ),
        ("conform: {deflicker: 0.5}", "how footage of models is brought to the delivery rate"),
        ("voice_options: {words_per_minute: 150}", "a voice's own options; this one is espeak's"),
    ),
    "Before anything goes out": (
        ("approval: required", "drafts until a person has approved them; docs/approval.md"),
        ("policy: policy.yaml", "words that must or must not stand in an ad; docs/policy.md"),
        ("people: {unstated: leave}", "describe nobody whom a prompt leaves open; balance is the default"),
        ("content_checks: {nsfw: {model: models/nsfw}}", "a model of yours looks at the footage; docs/policy.md"),
        ("rights: rights.yaml", "what may be used where, until when; docs/rights.md"),
        ("rights_policy: listed", "required: every file needs an entry there"),
        ('run_until: "{year}-12-31"', "licences must last until this day"),
        ("territories: [US, EU]", "where the ads are shown; guessed from the locales"),
        ("annual_revenue_usd: 0", "some licences of engines end at a yearly revenue"),
        ("licence_override: our agreement of May 2027", "why a complaint about a licence does not hold for you"),
    ),
    "What a film says of itself": (
        ("disclosure: ai_generated", "instead of what the rules say; docs/disclosure.md"),
        ("disclosure_reason: our house rule", "an override of the rules needs its reason"),
        ("invisible_mark: spread", "learned takes a model of yours, none leaves the mark out"),
        ("ai_training: notAllowed", "what the signed statement says of training; constrained, allowed"),
    ),
    "Ads that `spotmill handoff` writes; docs/handoff.md": (
        ('naming: "{{ creative_id }}_{{ placement }}"', "their names"),
        (
            'ads: {primary_text: "{{ film_headline }}", call_to_action: shop_now}',
            "their texts, templates like those of the films",
        ),
    ),
}

_END = """\
# By the clock: `spotmill schedule FOLDER --cron "0 5 * * *" --serve`; when rows.csv changes: `spotmill watch FOLDER`.
# What belongs to the machine (certificates, prices, webhooks, buckets) stands in spotmill.toml, not here.
"""


def optional_keys(look: str, music: str) -> str:
    """The end of a new campaign.yaml; `look` and `music` are the template's own."""
    next_year = datetime.datetime.now(datetime.UTC).year + 1
    return "\n".join([*_lines({"{look}": look, "{music}": music, "{year}": str(next_year)}), _END])


def _lines(values: dict[str, str]) -> Iterator[str]:
    yield '# Optional: take the "# " away to use a line.'
    for heading, examples in OPTIONAL.items():
        yield f"\n# -- {heading}"
        for example, why in examples:
            for name, value in values.items():
                example = example.replace(name, value)
            yield f"# {example:<{_COLUMN}}  # {why}"
    yield ""
