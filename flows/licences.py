"""The gates before anything is spent: whether the engine's licence covers these ads, and whether it can run here.

A licence is held against where the ads are shown, what the advertiser earns and that ads are a commercial use. A
campaign may override a complaint with a reason, which plan, manifest and report repeat. What a machine lacks is told by
`check` and `plan`, which may run elsewhere than the run; `run` refuses. Knows no licence's text, only engines' facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.ledger import Ledger
from flows.model import BadInput, Campaign, Problem, Row
from flows.problems import Problems
from flows.stores.opening import explaining
from flows.stores.shared import open_ledger, place_of
from flows.territories import each, named, territories_of

if TYPE_CHECKING:
    from flows.order import Prepared
    from flows.settings import Settings
    from generation.engines.contract import Engine

OVERRIDE = "or state in `licence_override` why it does not bind you, such as an agreement with the licensor"


@dataclass(slots=True)
class Gate:
    """What a licence has against a campaign."""

    problems: list[Problem] = field(default_factory=list)
    #: Assumptions, and complaints that the campaign overrides, as sentences.
    notes: list[str] = field(default_factory=list)


def licence_gate(campaign: Campaign, rows: Iterable[Row], engine: Engine) -> Gate:
    """Hold the engine's licence against the campaign; rows are those that will be made."""
    gate = Gate()
    problems = Problems("campaign.yaml", gate.problems)
    _check_use(campaign, engine, problems)
    if engine.excluded_territories:
        _check_territories(campaign, rows, engine, problems, gate.notes)
    if campaign.licence_override and gate.problems:
        told = dict.fromkeys(problem.message for problem in gate.problems)
        gate.notes += [f"licence overridden ({campaign.licence_override}): {message}" for message in told]
        gate.problems.clear()
    return gate


def _check_use(campaign: Campaign, engine: Engine, problems: Problems) -> None:
    """Ads are a commercial use, which some licences forbid, and some allow up to a revenue."""
    cap, revenue, licence = engine.revenue_cap_usd, campaign.annual_revenue_usd, _licence(engine)
    if engine.commercial_use == "no":
        message = f"{licence} forbids commercial use, which ads are"
        problems.add("licence_commercial", message, f"Use another engine, {OVERRIDE}", value=engine.id, column="engine")
    elif cap and revenue is None:
        message = f"{licence} holds below a yearly revenue of {cap:,} US dollars, and yours is not stated"
        fix = f"Write `annual_revenue_usd` in campaign.yaml, use another engine, {OVERRIDE}"
        problems.add("licence_revenue", message, fix, value=engine.id, column="annual_revenue_usd")
    # At the cap itself too: LTX-2's licence says "less than", others "exceeds"; the gate is the cautious one.
    elif cap and revenue is not None and revenue >= cap:
        message = f"{licence} holds below a yearly revenue of {cap:,} US dollars"
        fix = f"Use another engine, {OVERRIDE}"
        problems.add("licence_revenue", message, fix, value=f"{revenue:,}", column="annual_revenue_usd")
    elif engine.commercial_use != "yes" and engine.conditions:
        message = f"{licence} may allow commercial use on conditions"
        fix = f"{engine.conditions}, or use another engine"
        problems.add("licence_commercial", message, fix, value=engine.id, column="engine_options")
    elif engine.commercial_use != "yes" and revenue is None:
        message = f"{licence} allows commercial use on conditions, and your yearly revenue is not stated"
        fix = f"Read the licence, then write `annual_revenue_usd` in campaign.yaml, use another engine, {OVERRIDE}"
        problems.add("licence_commercial", message, fix, value=engine.id, column="annual_revenue_usd")


def _check_territories(
    campaign: Campaign, rows: Iterable[Row], engine: Engine, problems: Problems, notes: list[str]
) -> None:
    """Where the ads are shown: as the campaign states, else as their locales suggest."""
    excluded = each(engine.excluded_territories)
    if campaign.territories:
        hit = each(campaign.territories) & excluded
        if hit:
            fix = f"Take them out of `territories`, use another engine, {OVERRIDE}"
            problems.add("licence_territory", _not_in(engine, hit), fix, value=named(hit), column="territories")
        return
    of_rows, of_campaign = _locales(campaign, rows)
    barred = [locale for locale in of_campaign if territories_of(locale) & excluded]
    for locale in barred:
        _refuse_locale(problems, engine, locale, excluded, None)
    for number, locale in of_rows:
        if territories_of(locale) & excluded:
            barred.append(locale)
            _refuse_locale(problems.of(campaign.rows_file.name), engine, locale, excluded, number)
    if not barred:
        shown = named(frozenset().union(*map(territories_of, {*of_campaign, *(locale for _, locale in of_rows)})))
        notes.append(
            f"{_not_in(engine, excluded)}; by their locales the ads are taken to be shown in {shown}."
            " Write `territories` if they are shown elsewhere"
        )


def _locales(campaign: Campaign, rows: Iterable[Row]) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """Locales that rows choose for themselves, with their numbers; the campaign's own, if any row is made in them."""
    of_rows, others = [], False
    for row in (row for row in rows if row.enabled):
        of_rows += [(row.number, locale) for locale in row.locales]
        others = others or not row.locales
    return of_rows, campaign.locales if others else ()


def _refuse_locale(problems: Problems, engine: Engine, locale: str, excluded: frozenset[str], row: int | None) -> None:
    meant = territories_of(locale)
    message = _not_in(engine, meant & excluded)
    if len(meant) > 1:
        message += f", and {locale} names no country, so that it counts for all where the language is official"
    fix = f"Write `territories` in campaign.yaml if the ads are shown elsewhere only, use another engine, {OVERRIDE}"
    column = "locales" if row is None else "locale"
    problems.add("licence_territory", message, fix, value=locale, row=row, column=column)


def _not_in(engine: Engine, countries: Iterable[str]) -> str:
    return f"{_licence(engine)} does not hold in {named(countries)}"


def _licence(engine: Engine) -> str:
    return f"the licence of {engine.id} ({engine.licence})"


def refuse_missing(prepared: Prepared, settings: Settings) -> tuple[str, ...]:
    """Refuse a run that this machine cannot make; notes for one that it need not, or that others make.

    Raises: BadInput with everything that the engine misses.
    """
    lacks = prepared.engine.missing()
    if not lacks:
        return ()
    if settings.cluster:
        return (f"this machine cannot run {prepared.engine.id}; whether the cluster's can shows when they begin",)
    with explaining(settings.store):
        needs_none = _all_footage_is_there(prepared, open_ledger(place_of(settings), driver=True))
    if needs_none:
        return (f"this machine cannot run {prepared.engine.id}, and need not: all footage is in the ledger",)
    name = prepared.engine.id
    problems = Problems("campaign.yaml")
    for sentence in lacks:
        problems.add("engine_missing", sentence.rstrip("."), value=name, column="engine")
    raise BadInput(tuple(problems.found))


def _all_footage_is_there(prepared: Prepared, ledger: Ledger) -> bool:
    """Whether a changed text or price is all there is to do. Ends at the first shot that is missing."""
    known = ledger.keys("footage")
    if not known:
        return False
    return all(
        step.key in known for plan in prepared.plans() for film in plan.films for step in film.master.plate.footage
    )
