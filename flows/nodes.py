"""The machines of a Ray cluster: how many there are, and a watch on each that shares no disk with the driver.

A watch reads what its machine's workers leave in the ledger's folder (signs of life) and says what the machine lacks
for the run. The driver keeps one on each machine, those that join later included, and copies the signs into its own
folder, where everybody looks for them. Machines that leave are forgotten; what they were doing fails as lost.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from flows.live import LiveFolder, Sign
from flows.model import BadInput
from flows.node import SecretMissing, ledger_here, secret_here
from flows.redaction import guard_logs, redact
from flows.steps import Signing
from flows.stores.contract import StoreError
from flows.stores.shared import LedgerPlace, SharedLedger, open_ledger

#: Between two looks at the machines: signs of life need not be younger.
LOOK_SECONDS = 2.0
#: A machine that cannot say within this time what it lacks is not waited for: its jobs will say.
PATIENCE_SECONDS = 60.0
#: Between two requests for more machines: one needs minutes to come.
ASK_SECONDS = 30.0


def place_on_node(place: LedgerPlace) -> LedgerPlace:
    """The ledger as this machine of a cluster has it."""
    return replace(place, root=ledger_here(place.root)) if place.brings_files else place


@ray.remote(num_cpus=0, max_restarts=0, max_task_retries=0)
class Watch:
    """A process on one machine that does no work."""

    def __init__(self, place: LedgerPlace) -> None:
        guard_logs()
        self._place = place_on_node(place)
        self._live = LiveFolder(self._place.root)

    def lacks(self, key_file: Path | None) -> str:
        """What this machine lacks for the run, as a sentence; "" is nothing. Tries the store with its own rights."""
        try:
            ledger = open_ledger(self._place)
            if isinstance(ledger, SharedLedger):
                ledger.mirror.store.check()
            ledger.root.mkdir(parents=True, exist_ok=True)
            if key_file:
                secret_here(key_file, "SPOTMILL_SIGN_KEY")
        except BadInput as error:
            return redact(error.problems[0].sentence())
        except (StoreError, SecretMissing, OSError) as error:
            return redact(str(error))
        return ""

    def signs(self, stops: set[str]) -> dict[str, Sign]:
        """The newest sign of each step that is being made on this machine; `stops` names work that is to stop."""
        signs = self._live.all()
        for name in stops & signs.keys():
            self._live.ask_to_stop(name)
        return signs


class Watches:
    """The driver's end of the watches."""

    def __init__(self, place: LedgerPlace) -> None:
        self._place, self._live = place, LiveFolder(place.root)
        self._watches: dict[str, Any] = {}
        #: Machine -> its name in the network.
        self.names: dict[str, str] = {}
        #: Machine -> the answer that is awaited from it.
        self._asked: dict[str, Any] = {}
        #: Machine -> the steps whose signs were copied from it.
        self._copied: dict[str, set[str]] = {}
        self._looked = float("-inf")

    def lacking(self, signing: Signing | None) -> list[str]:
        """What machines lack for the run, a sentence each."""
        self._follow()
        key_file = signing.key_file if signing else None
        asked = {name: watch.lacks.remote(key_file) for name, watch in self._watches.items()}
        ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=PATIENCE_SECONDS)
        said = {name: _answer(reference, "") for name, reference in asked.items() if reference in ready}
        return sorted({f"{self.names[name]}: {sentence}" for name, sentence in said.items() if sentence})

    def look(self) -> None:
        """Follow who has joined and left, and copy the signs that have come in; never waits."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._follow()
        for name, watch in self._watches.items():
            if name not in self._asked:
                self._asked[name] = watch.signs.remote(self._live.stops())
        asked = list(self._asked.values())
        ready = ray.wait(asked, num_returns=len(asked), timeout=0)[0] if asked else []
        for name, reference in list(self._asked.items()):
            if reference in ready:
                del self._asked[name]
                self._copy(name, _answer(reference, {}))

    def close(self) -> None:
        """Let the watches go."""
        for watch in self._watches.values():
            with contextlib.suppress(RayError, ValueError):
                ray.kill(watch)

    def _follow(self) -> None:
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        # A head that only leads has no cores, and does no jobs.
        alive = {node["NodeID"]: node["NodeManagerHostname"] for node in nodes if node["Alive"] and _works(node)}
        self.names |= alive
        for name in self._watches.keys() - alive.keys():
            del self._watches[name]
            self._asked.pop(name, None)
            self._copy(name, {})
        for name in alive.keys() - self._watches.keys():
            there = NodeAffinitySchedulingStrategy(name, soft=False)
            self._watches[name] = Watch.options(scheduling_strategy=there).remote(self._place)  # type: ignore[attr-defined]  # added by the decorator

    def _copy(self, name: str, signs: dict[str, Sign]) -> None:
        for key in self._copied.get(name, set()) - signs.keys():
            self._live.forget(key)
        for key, sign in signs.items():
            self._live.write(key, sign)
        self._copied[name] = set(signs)


class ClusterSize:
    """How much runs at once: fixed on our own Ray, else what the cluster has right now."""

    def __init__(self, workers: int, *, fixed: bool, needs_gpu: bool) -> None:
        self._workers, self._fixed, self._needs_gpu = workers, fixed, needs_gpu
        self._resources: dict[str, float] = {}
        self._counted = self._asked = float("-inf")

    @property
    def slots(self) -> int:
        """CPU jobs at once; one while the cluster is empty, for the job that waits for a machine."""
        return self._workers if self._fixed else max(1, int(self._now().get("CPU", 0)))

    @property
    def gpus(self) -> int:
        """GPUs."""
        return int(self._now().get("GPU", 0))

    def lacks(self, wait_seconds: float) -> str:
        """What has not come after asking for it and waiting so long: "core", "GPU" or ""."""
        end = time.monotonic() + wait_seconds
        while self._lacks() and time.monotonic() < end:
            self.ask_for_more(gpu=self._needs_gpu)
            time.sleep(LOOK_SECONDS)
        return self._lacks()

    def _lacks(self) -> str:
        if not self._fixed and self._now().get("CPU", 0) < 1:
            return "core"
        return "GPU" if self._needs_gpu and not self.gpus else ""

    def ask_for_more(self, *, gpu: bool) -> None:
        """Ask a cluster that can grow for twice its cores, or one GPU more. One that cannot takes no notice."""
        if self._fixed or time.monotonic() - self._asked < ASK_SECONDS:
            return
        self._asked = time.monotonic()
        with contextlib.suppress(RayError, RuntimeError, OSError):
            request_resources(num_cpus=2 * self.slots, bundles=[{"GPU": 1}] * (self.gpus + gpu))

    def close(self) -> None:
        """What was asked for is not needed any more."""
        if self._asked > 0:
            with contextlib.suppress(RayError, RuntimeError, OSError):
                request_resources(num_cpus=0, bundles=[])

    def _now(self) -> dict[str, float]:
        if time.monotonic() - self._counted >= LOOK_SECONDS:
            self._resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
            self._counted = time.monotonic()
        return self._resources


def _works(node: Any) -> bool:
    return bool(node["Resources"].get("CPU", 0) >= 1)


def _answer(reference: Any, otherwise: Any) -> Any:
    """The answer of a watch; `otherwise` where its machine has left meanwhile."""
    try:
        return ray.get(reference)
    except RayError:
        return otherwise
