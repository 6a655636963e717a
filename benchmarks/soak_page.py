"""The page of the soak, from what was found: demands, figures, and what exactly was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]

WORKERS_AND_DAEMONS = (
    "workers, before and after their steps: ledger, signs of life, messages",
    "Prefect's server and Ray's daemons, which cost by the second",
)


def page(found: Mapping[str, Facts], about: Facts) -> Iterator[str]:
    """The whole page, line by line."""
    yield "# Thousands of ads: what they cost beside pixels and sound"
    yield ""
    yield (
        f"Made by `make soak` on {about['day']}: {about['cores']} cores of {about['cpu']}, {about['memory_gib']} GiB, "
        f"Python {about['python']}. CPU seconds are of the whole process tree, daemons included; wall seconds say as "
        "much about what else ran on the machine."
    )
    for name, part in PARTS.items():
        yield ""
        if name in found:
            yield from part({**found[name], "start": found["start"]} if name == "run" else found[name])
        else:
            yield f"**{name}: not measured yet.**"


def _run(facts: Facts) -> Iterator[str]:
    count, planned, rest = facts["creatives"], facts["planned"], _rest(facts)
    yield f"## A run of {count:,} creatives × {facts['placements']} placements"
    yield ""
    yield f"Draft profile, films of 3 s, a voice and words of its own for each, two workers. {facts['sentence']}"
    yield ""
    yield "| demand | measured |"
    yield "|---|---|"
    ended = sum(facts["counts"].values())
    yield f"| count in = count out | {planned:,} planned, {ended:,} ended: {_counts(facts['counts'])} |"
    each = 1000 * rest / count
    yield (
        f"| orchestration, at most 30 ms of CPU a creative | **{each:.1f} ms{'' if each <= 30 else ', not met'}**: "
        f"{rest:.1f} of {facts['cpu_seconds']:.1f} CPU s are outside of the steps |"
    )
    first, last = _middle(facts["looks"])
    yield (
        f"| memory of the driver flat | {first['resident_mib']:.0f} MiB after {first['deliveries']:,} deliveries, "
        f"{last['resident_mib']:.0f} MiB after {last['deliveries']:,}; {facts['resident_at_end_mib']:.0f} MiB with the "
        "report written |"
    )
    most = max(look["store_mib"] for look in facts["looks"])
    yield f"| Ray's object store bounded | {most:.2f} of 143 MiB at most: paths and numbers travel in the messages |"
    yield ""
    yield f"It took {facts['wall_seconds']:.0f} s of wall time (load of the machine at the end: {facts['load']:.1f})."
    yield ""
    yield from _outside(facts)
    yield ""
    yield from _steps(facts["steps"])


def _outside(facts: Facts) -> Iterator[str]:
    """Who takes what is not in the steps, beside the same of a run that is hardly more than its beginning."""
    start, count = facts["start"], facts["creatives"]
    yield f"| outside of the steps | CPU s | in a run of {start['creatives']} | the difference, CPU ms a creative |"
    yield "|---|---|---|---|"
    names = ("the driver: planning, jobs, publishing, results, report", *WORKERS_AND_DAEMONS)
    for name, all_of_it, at_start in zip(names, _parts(facts), _parts(start), strict=True):
        each = 1000 * (all_of_it - at_start) / (count - start["creatives"])
        yield f"| {name} | {all_of_it:.1f} | {at_start:.1f} | {each:.1f} |"
    yield ""
    yield (
        "Nothing that was finished is lost when the power goes: each step's files and each film with what lies beside "
        "it are forced to the disk. What the driver takes with that and the making left out stands below. "
        "Daemons cost by the second that a run lasts, whatever it makes in it."
    )


def _parts(facts: Facts) -> tuple[float, float, float]:
    driver, workers = facts["driver_cpu_seconds"], facts["worker_cpu_seconds"] - facts["step_cpu_seconds"]
    return driver, workers, _rest(facts) - driver - workers


def _steps(steps: Mapping[str, Facts]) -> Iterator[str]:
    yield "| step | made | CPU s | CPU ms each |"
    yield "|---|---|---|---|"
    for kind, cost in sorted(steps.items(), key=lambda item: -item[1]["cpu_seconds"]):
        each = 1000 * cost["cpu_seconds"] / max(1, cost["made"])
        yield f"| {kind} | {cost['made']:,} | {cost['cpu_seconds']:.1f} | {each:.0f} |"


def _rest(facts: Facts) -> float:
    """CPU seconds outside of the steps: Prefect, Ray, the driver, the ledger, results, report."""
    return float(facts["cpu_seconds"] - facts["step_cpu_seconds"])


def _start(facts: Facts) -> Iterator[str]:
    yield "## What a run takes to begin"
    yield ""
    yield (
        f"A run of {facts['creatives']} creatives with an empty ledger: **{_rest(facts):.1f} CPU s** outside of its "
        f"steps ({facts['wall_seconds']:.0f} s of wall time at a load of {facts['load']:.1f}), nearly all for "
        "Prefect's database and server, Ray's daemons and Python's imports. It is in the figures below, once."
    )


def _again(facts: Facts) -> Iterator[str]:
    yield "## The same once more, nothing changed"
    yield ""
    yield (
        f"At most 20 s: **{facts['cpu_seconds']:.1f} CPU s** ({facts['wall_seconds']:.1f} s of wall time at a load of "
        f"{facts['load']:.1f}). {facts['sentence']}"
    )


def _tables(facts: Facts) -> Iterator[str]:
    yield "## 100,000 rows through check and plan"
    yield ""
    yield "| command | CPU s (at most 120) | peak memory, MiB (at most 2,048) | wall s |"
    yield "|---|---|---|---|"
    for name, one in facts.items():
        yield f"| `spotmill {name}` | {one['cpu_seconds']:.1f} | {one['peak_mib']:.0f} | {one['wall_seconds']:.0f} |"
    yield ""
    yield "One creative for four placements of each row: 400,000 deliveries, two million steps asked for."


def _memory(facts: Mapping[str, Facts]) -> Iterator[str]:
    yield "## The driver, from 100 to 10,000 creatives"
    yield ""
    yield (
        "The real reading, planning, order of jobs, ledger, publishing, results and report, in one process; only the "
        "making is left out: every step ends at once with files of a few bytes and a real poster. Memory is what is "
        "resident, in MiB; the rows themselves are in it."
    )
    yield ""
    yield (
        "| creatives | deliveries | before the first | after a tenth | after the last | with the report | CPU ms a "
        "creative: producing / report | results.csv, MB | report.html, MB | manifest.json, kB |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for count, one in facts.items():
        looks, cpu, size = one["looks"], one["cpu_seconds"], one["bytes"]
        tenth = next(look for look in looks if look["deliveries"] >= one["planned"] / 10)
        yield (
            f"| {int(count):,} | {one['planned']:,} | {looks[0]['resident_mib']:.0f} | {tenth['resident_mib']:.0f} | "
            f"{one['resident_after_produce_mib']:.0f} | {one['resident_at_end_mib']:.0f} | "
            f"{1000 * cpu['produce'] / int(count):.1f} / {1000 * cpu['report'] / int(count):.1f} | "
            f"{size['results.csv'] / 1e6:.1f} | {size['report.html'] / 1e6:.1f} | {size['manifest.json'] / 1e3:.0f} |"
        )


def _page(facts: Mapping[str, Facts]) -> Iterator[str]:
    yield "## The contact sheet in a browser"
    yield ""
    yield "| creatives | page, MB | seconds to the first films | seconds to a search's answer | script, MiB | errors |"
    yield "|---|---|---|---|---|---|"
    for count, one in facts.items():
        if "missing" in one:
            yield f"| {int(count):,} | not measured: {one['missing']} | | | | |"
            continue
        yield (
            f"| {int(count):,} | {one['bytes'] / 1e6:.1f} | {one['opened_seconds']:.1f} | "
            f"{one['searched_seconds']:.2f} | {one['script_mib']:.0f} | {len(one['complaints'])} |"
        )


def _middle(looks: list[Facts]) -> tuple[Facts, Facts]:
    """After the first tenth, when everything has been loaded that will be, and at the end."""
    total = looks[-1]["deliveries"]
    return next(look for look in looks if look["deliveries"] >= total / 10), looks[-1]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in counts.items())


PARTS = {"start": _start, "run": _run, "again": _again, "tables": _tables, "memory": _memory, "page": _page}
