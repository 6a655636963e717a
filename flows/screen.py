"""How far a run is, on the terminal while it goes on."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from flows.progress import Progress
from flows.terminal import err


class Screen:
    """One progress bar while a run goes on; plain lines where the output is no terminal."""

    def __init__(self) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[extra]}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._bar.add_task("Starting", total=None, extra="")
        self._phase = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Show a new state."""
        ended = progress.deliveries_done + progress.deliveries_failed
        extra = f"{progress.steps_made} steps made"
        if progress.deliveries_failed:
            extra += f", {progress.deliveries_failed} failed"
        if progress.detail:
            extra += f"; {progress.detail}"
        self._bar.update(
            self._task,
            description=progress.phase,
            total=progress.deliveries_total or None,
            completed=ended,
            extra=extra,
        )
        if not err.is_terminal and progress.phase != self._phase:
            err.print(progress.phase, markup=False)
        self._phase = progress.phase
