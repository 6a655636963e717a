"""The story: read a campaign, produce what is missing, deliver it, report. The only file that knows Prefect.

The ledger, not Prefect's states, is the truth about what is done. Prefect brings schedules, parameters as a form, a
record of every run and, where a server of the user's runs, progress and a table of failures. Without a server the flow
uses Prefect's embedded one (`prefect_profile.py`).
"""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.licences import refuse_missing
from flows.model import BadInput
from flows.order import Order
from flows.outputs import is_busy
from flows.prefect_page import show_failures, show_progress, watch_embedded_server
from flows.redaction import guard_logs
from flows.review.waiting import wait_and_release
from flows.settings import load_settings
from flows.studio import Listener, Run
from flows.summary import Summary

#: Runs that the command line has read and checked already, for the flow that it starts next in this process.
_handed_over: dict[Order, Run] = {}


# The form in Prefect's UI has its words from the docstring; Prefect drops descriptions that stand in annotations.
@flow(name="campaign", flow_run_name="{campaign}", persist_result=False)
def campaign_flow(
    campaign: Path,
    out: Path | None = None,
    rows: str | None = None,
    sample: Annotated[int | None, Field(ge=1)] = None,
    where: str | None = None,
    placements: str | None = None,
    engine: str | None = None,
    skip_bad_rows: bool = False,
    speed: str | None = None,
    prove: bool = False,
    budget: str | None = None,
    accept_shrink: bool = False,
    profile: str | None = None,
    wait_hours: Annotated[float, Field(ge=0)] = 0.0,
    workers: Annotated[int, Field(ge=0)] = 0,
    cluster: str = "",
    ledger: str = "",
) -> State[None]:
    """Make and deliver a campaign.

    Args:
        campaign: Folder with campaign.yaml, its rows CSV and brand.yaml.
        out: Where results go: OUT/<campaign>/; empty is the setting `out`.
        rows: Only these rows, such as 1-3,7.
        sample: Only so many rows, chosen by the seed.
        where: Only rows for which this holds: segment == "gamers".
        placements: Only these placements, separated by commas.
        engine: Make the footage with this engine.
        skip_bad_rows: Rows with errors become failed lines.
        speed: exact, balanced or fast, where the engine has them.
        prove: Measure what a platform's encode leaves of the marks.
        budget: Begin nothing more once this is spent: 20usd, 2gpu-h.
        accept_shrink: The feed is right, although it lost half of its rows.
        profile: draft makes everything small and quick, for looking at.
        wait_hours: Wait so long for people's approval of every film.
        workers: CPU workers; 0 is one for each core.
        cluster: Address of a Ray cluster; empty starts one.
        ledger: Folder of finished steps; empty is OUT/.ledger.
    """
    guard_logs()
    order = Order(
        campaign, rows, sample, where, placements, engine, skip_bad_rows, speed, prove, budget, accept_shrink, profile
    )
    flags = {"out": out, "workers": workers or None, "cluster": cluster or None, "ledger": ledger or None}
    settings = load_settings(flags, os.environ, Path.cwd())
    run = _handed_over.pop(order, None) or Run(order, settings)
    # Quoted: Prefect would otherwise walk through every row in search of futures. The task gets the run itself.
    quoted: Any = quote(run)
    read_and_check(quoted)
    produce_and_deliver(quoted)
    if run.busy:  # that run does all that this one would: nobody needs to be called out of bed
        return Cancelled(message=str(run.busy))
    summary = report(quoted)
    if wait_hours:
        wait_for_people(quoted, wait_hours)
    if summary.failed:
        return Failed(message=summary.sentence())
    return Completed(message=summary.sentence())


@task(cache_policy=NO_CACHE, persist_result=False)
def read_and_check(run: Run) -> None:
    """Everything is checked before anything is spent.

    Raises: BadInput with every complaint, or with what this machine lacks.
    """
    watch_embedded_server()
    run.read()
    for note in refuse_missing(run.prepared, run.settings):
        get_run_logger().warning(note)


@task(cache_policy=NO_CACHE, persist_result=False)
def produce_and_deliver(run: Run) -> None:
    """Make on Ray what the ledger lacks, and publish each creative as soon as it is finished."""
    try:
        show_progress(run.produce(), run.order.campaign.name)
    except BadInput as error:
        if not is_busy(error):
            raise
        run.busy = error


@task(cache_policy=NO_CACHE, persist_result=False)
def report(run: Run) -> Summary:
    """Write results.csv, failed.csv, manifest.json and report.html."""
    summary = run.report()
    for said in filter(None, (summary.webhook, summary.gone)):
        get_run_logger().info(said)
    show_failures(summary.failures)
    return summary


@task(cache_policy=NO_CACHE, persist_result=False)
def wait_for_people(run: Run, hours: float) -> None:
    """Wait until people have decided about every film that needs it, or until the hours are over; then show finals."""
    logger = get_run_logger()
    for said in wait_and_release(run.folder, run.ledger, hours):
        logger.info(said)


def run_order(run: Run, listener: Listener) -> Summary:
    """Run the flow in this process, for the command line. What the flow left behind says how it went."""
    run.listener = listener
    _handed_over[run.order] = run
    state = campaign_flow(**_parameters(run), return_state=True)
    if run.busy:
        raise run.busy
    if run.summary is None:
        state.result()  # raises what ended the flow
        raise RuntimeError(f"the flow ended as {state.name} without a summary")
    return run.summary


def _parameters(run: Run) -> dict[str, Any]:
    order, settings = run.order, run.settings
    return {
        **{field.name: getattr(order, field.name) for field in fields(order)},
        "out": settings.out,
        "workers": settings.workers,
        "cluster": settings.cluster,
        "ledger": settings.ledger,
    }
