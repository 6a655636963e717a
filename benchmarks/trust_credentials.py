"""What a signature costs and what it is worth, measured on the deliveries of a run: half of `make trust-report`.

Every delivery is read back by c2pa's own reader, once as it is and once with one bit of its pictures changed, and its
invisible mark is counted as it was proven. Signing is timed in CPU seconds on films of three sizes.

    python -m benchmarks.trust_credentials OUT/<campaign>
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flows.creative import VIDEO
from flows.ledger import Ledger
from flows.results import read_results
from generation.marks.credentials.local_chain import make_test_chain
from generation.marks.credentials.read import read_credentials
from generation.marks.credentials.sign import sign_film
from generation.marks.credentials.spec import Claim, Signer

CLAIM = Claim("Trust report", "algorithmicMedia", "Spotmill/0", mark="c0ffee123456")
ROUNDS = 5


def section(scratch: Path, folder: Path = Path("out/Halvora-spring")) -> Iterator[str]:
    """Lines of Markdown about a campaign's output folder, whose ledger lies beside it: that of `make demo`."""
    yield "## Signatures"
    yield ""
    if not (folder / "results.csv").is_file():
        yield f"Nothing was measured: there is no finished run in {folder}; `make demo` makes one."
        return
    _, records = read_results(folder / "results.csv")
    anchors = (folder.parent / ".ledger" / "keys" / "root.pem").read_text("utf-8")
    films = [(record, folder / record.path) for record in records if record.path]
    states = [read_credentials(path, anchors=anchors).state for _, path in films]
    changed = [_changed(path, anchors, scratch / "changed.mp4") for _, path in films]
    passed = [record.proof for record, _ in films if record.proof.startswith("pass")]
    yield "| what | measured |"
    yield "|---|---|"
    yield f"| deliveries that c2pa's reader calls trusted | {states.count('trusted')} of {len(films)} |"
    yield f"| of those, invalid after one changed bit of the pictures | {changed.count('invalid')} of {len(films)} |"
    yield f"| deliveries whose own proof passed | {len(passed)} of {len(films)} |"
    marked = sum("invisible mark" in proof for proof in passed)
    yield f"| of those, with an invisible mark read from the delivered bytes | {marked} of {len(films)} |"
    for name, path in _sizes([_unsigned(path, folder) for _, path in films]):
        yield f"| signing the {name} | {_cost(path, scratch)} |"


def _changed(path: Path, anchors: str, copy: Path) -> str:
    """The state of a copy with one bit of its media data flipped."""
    data = bytearray(path.read_bytes())
    data[data.rindex(b"mdat") + (len(data) - data.rindex(b"mdat")) // 2] ^= 1
    copy.write_bytes(data)
    return read_credentials(copy, anchors=anchors).state


def _unsigned(film: Path, folder: Path) -> Path:
    """The film as it lies in the ledger before it is signed."""
    key = json.loads(film.with_suffix(".json").read_text("utf-8"))["steps"]["package"]
    return Ledger(folder.parent / ".ledger").home("package", key) / VIDEO


def _sizes(films: list[Path]) -> list[tuple[str, Path]]:
    """The smallest, the middle and the largest film."""
    ordered = sorted(films, key=lambda path: path.stat().st_size)
    return [("smallest film", ordered[0]), ("middle film", ordered[len(ordered) // 2]), ("largest film", ordered[-1])]


def _cost(film: Path, scratch: Path) -> str:
    """CPU seconds and bytes of signing one film."""
    keys, target = scratch / f"keys-{film.parent.name}", scratch / "signed.mp4"
    made = make_test_chain(keys, organisation="Trust report", days=2)
    signer = Signer(made.chain, made.key)
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        signed = sign_film(film, target, CLAIM, signer)
        spent.append(time.process_time() - begun)
    milliseconds = statistics.median(spent) * 1000
    return f"{film.stat().st_size / 1e6:.2f} MB: {milliseconds:.0f} ms of CPU, {len(signed.manifest)} bytes"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print("\n".join(section(Path(scratch), *map(Path, sys.argv[1:2]))))
