"""The hand-off as a story: read what a run left, refuse what may not go out, name, check, then write it all.

Everything is checked before the first file is written. Count in = count out: every line of results.csv has its line in
`handoff.csv`, handed over or not and why. Reads the results' folder and changes nothing in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.brief import load_campaign
from flows.columns import plain_name
from flows.creative import VIDEO
from flows.deliveries import DeliveryRecord
from flows.files import CannotWrite, sha256_file
from flows.handoff.ads import Ad, AdReader
from flows.handoff.covers import readable
from flows.handoff.judging import broken_by, complain, unseen
from flows.handoff.limits import check_texts
from flows.handoff.platforms import Platform, choose
from flows.handoff.writing import Line, write
from flows.ledger import Ledger
from flows.model import BadInput, Campaign, Problem
from flows.placements import load_placements
from flows.policy.judge import Policy
from flows.policy.policy_file import read_policy
from flows.problems import Problems
from flows.publish import Gate, Refusal
from flows.results import FINISHED_STATES
from flows.review.approvals import Approvals
from flows.review.gallery import MANIFEST, Gallery, ledger_of, open_gallery
from flows.review.release import explained, held
from flows.template import Template, load_template

#: Refusals that the command prints in full.
MOST_SHOWN = 50


@dataclass(slots=True)
class Handed:
    """How a hand-off went."""

    folder: Path
    #: Platform -> its ads.
    ads: dict[str, list[Ad]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    #: Deliveries that no chosen platform takes.
    elsewhere: int = 0
    #: Platform -> texts of which only the beginning is seen.
    cut: dict[str, list[str]] = field(default_factory=dict)
    written: int = 0
    present: int = 0

    def sentences(self) -> list[str]:
        """What the command prints."""
        lines = [f"{name}: {len(ads)} {'ad' if len(ads) == 1 else 'ads'}" for name, ads in self.ads.items()]
        lines += [f"  {sentence}" for name in self.ads for sentence in self.cut.get(name, ())]
        lines += [f"not handed over: {refusal.sentence()}" for refusal in self.refused[:MOST_SHOWN]]
        if len(self.refused) > MOST_SHOWN:
            lines.append(f"and {len(self.refused) - MOST_SHOWN} more; handoff.csv has them all")
        if self.elsewhere:
            lines.append(f"{self.elsewhere} deliveries are for other platforms; handoff.csv names them")
        files = f"{self.written} {'file' if self.written == 1 else 'files'}"
        return [*lines, f"{self.folder}: {files} written, {self.present} there already"]


def hand_off(
    folder: Path, to: Path, ledger_setting: str = "", platforms: Sequence[str] = (), campaign: Path | None = None
) -> Handed:
    """Hand OUT/<campaign>/ over into `to`, for these platforms or for all. `campaign` is its folder, if it has moved.

    Raises: BadInput with every complaint; then nothing has been written.
    """
    chosen = choose(platforms)
    with held(folder) as home:
        gallery = open_gallery(home)
        _outside(gallery, to)
        handed = Handed(to)
        made = _make(gallery, ledger_of(gallery, ledger_setting), chosen, campaign, handed)
        try:
            handed.written, handed.present = write(gallery.campaign, made, to, handed.cut)
        except CannotWrite as error:
            raise explained(error, to) from error
    return handed


def _outside(gallery: Gallery, to: Path) -> None:
    """Never inside the results: the next run would take it for its own."""
    if to.resolve().is_relative_to(gallery.folder.resolve()):
        fix = "Name a folder outside of the results"
        raise BadInput((Problem(str(to), None, None, "inside_results", "", "lies inside the results' folder", fix),))


def _make(
    gallery: Gallery, ledger: Ledger, chosen: Sequence[Platform], campaign: Path | None, handed: Handed
) -> tuple[Line, ...]:
    """Every delivery with its ads or its refusal. Raises: BadInput with all complaints about texts and names."""
    problems = Problems(gallery.folder.name)
    brief, template = _campaign(gallery, campaign)
    reader = AdReader(brief, template, gallery, problems)
    gate = Gate(gallery, Approvals(ledger.root))
    lines = tuple(_line(record, gallery, ledger, gate, chosen, reader) for record in gallery.records)
    lines = _judged(lines, gallery, brief, problems)
    for line in lines:
        for ad in line.ads:
            handed.ads.setdefault(ad.platform.id, []).append(ad)
    handed.ads = {one.id: handed.ads[one.id] for one in chosen if one.id in handed.ads}
    handed.refused = [line.refusal for line in lines if line.refusal]
    handed.elsewhere = sum(not line.ads and not line.refusal for line in lines)
    for name, ads in handed.ads.items():
        _check(ads, problems.of(brief.rows_file.name), handed.cut.setdefault(name, []))
    if not handed.ads and not handed.refused:
        fix = "Run the campaign for placements of these platforms, or name others with --platform"
        named = ", ".join(platform.id for platform in chosen)
        problems.add("nothing_to_hand_over", "no delivery is for these platforms", fix, value=named)
    problems.raise_if_any()
    return lines


def _campaign(gallery: Gallery, named: Path | None) -> tuple[Campaign, Template]:
    """The campaign that the run was made from. Raises: BadInput when it is not there any more."""
    folder = named
    if folder is None:
        order = json.loads((gallery.folder / MANIFEST).read_text("utf-8")).get("order")
        folder = Path(str(order.get("campaign", ""))) if isinstance(order, dict) else Path()
        if not (folder / "campaign.yaml").is_file():
            message = "the campaign's folder, which names the ads, is not there any more"
            problem = Problem(
                MANIFEST, None, "order.campaign", "no_campaign", str(folder), message, "Name it with --campaign"
            )
            raise BadInput((problem,))
    campaign = load_campaign(folder)
    if campaign.name != gallery.campaign:
        fix = f"Name the folder of {gallery.campaign}"
        raise BadInput(
            (Problem(str(folder), None, "name", "other_campaign", campaign.name, "is another campaign", fix),)
        )
    return campaign, load_template(campaign.template, factors=[factor.name for factor in campaign.factors])


def _line(
    record: DeliveryRecord, gallery: Gallery, ledger: Ledger, gate: Gate, chosen: Sequence[Platform], reader: AdReader
) -> Line:
    """One delivery: taken by the platforms that want it, or refused."""
    placement = load_placements().get(record.placement)
    takers = [platform for platform in chosen if placement and placement.platform in platform.takes]
    if not takers and (record.placement or record.status in FINISHED_STATES):
        return Line(record, (), None)
    refusal = gate.refusal(record)
    if refusal:
        return Line(record, (), refusal)
    film = _film(gallery, ledger, record)
    if film is None:
        message = "the film here is not the one that results.csv names"
        fix = "Run the campaign again; a draft is shown until it is approved"
        return _refused(record, "bytes_changed", message, fix)
    ads = tuple(ad for one in takers if (ad := reader.read(record, one, film)))
    if any(ad.poster and not readable(ad.poster) for ad in ads):
        return _refused(record, "poster_broken", "its poster is no picture that can be read", "Run the campaign again")
    return Line(record, ads, None)


def _judged(lines: Sequence[Line], gallery: Gallery, brief: Campaign, problems: Problems) -> tuple[Line, ...]:
    """The lines with refusals where a text beside the film asks for a person; what the policy blocks is a complaint."""
    read = read_policy(brief.folder, brief.policy, problems.of("campaign.yaml"))
    problems.raise_if_any()
    policy, told, judged = Policy(*(read or ())), [], []
    for line in lines:
        cell = next((text for name, text in line.record.cells.items() if plain_name(name) == "category"), "")
        refusal = None
        for ad in line.ads:
            found = broken_by(policy, ad, gallery.facts(line.record), cell, named=bool(brief.naming))
            told += [(line.record.row, one) for one in found]
            refusal = refusal or unseen(found, ad)
        judged.append(Line(line.record, (), refusal) if refusal else line)
    complain(told, problems.of(brief.rows_file.name))
    return tuple(judged)


def _refused(record: DeliveryRecord, code: str, message: str, fix: str) -> Line:
    return Line(record, (), Refusal(record.creative_id, record.placement, code, message, fix))


def _film(gallery: Gallery, ledger: Ledger, record: DeliveryRecord) -> Path | None:
    """A file with exactly the bytes of results.csv: in the results, or in the ledger; never a draft."""
    final = gallery.step(record, "delivery", ledger)
    for path in (gallery.film(record), final.file(VIDEO) if final else None):
        if path and path.is_file() and sha256_file(path) == record.sha256:
            return path
    return None


def _check(ads: Sequence[Ad], problems: Problems, cut: list[str]) -> None:
    """Names that are unique on every file system, and texts that the platform takes."""
    counted: Counter[str] = Counter()
    seen: dict[str, Ad] = {}
    for ad in ads:
        first = seen.setdefault(ad.name.casefold(), ad)
        if first is not ad:
            one, other = (f"{each.record.creative_id} / {each.record.placement}" for each in (first, ad))
            message = f"{one} and {other} would both be named {ad.name} on {ad.platform.title}"
            fix = "Add {{ creative_id }} or {{ placement }} to `naming` in campaign.yaml"
            problems.add("same_name", message, fix, row=ad.record.row, column="naming")
        check_texts(ad, problems, counted)
    cut += [f"{sentence} ({count} ads)" for sentence, count in sorted(counted.items())]
