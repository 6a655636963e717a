"""What a signature costs and what it is worth, measured on the deliveries of a run: half of `make trust-report`.

Every delivery is read back by c2pa's own reader, once as it is and once with one bit of its pictures changed, and its
invisible mark is read from the delivered bytes. Signing is timed in CPU seconds on films of three sizes.

    python -m benchmarks.trust_credentials OUT/<campaign>
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from flows.results import read_results
from generation.marks.credentials.chain import describe_chain
from generation.marks.credentials.local_chain import make_test_chain
from generation.marks.credentials.read import read_credentials
from generation.marks.credentials.sign import sign_film
from generation.marks.credentials.spec import Claim, Signer

CLAIM = Claim("Trust report", "algorithmicMedia", "Spotmill/0", mark="c0ffee123456")
ROUNDS = 5


def main(folder: Path) -> None:
    """Print the section for a campaign's output folder, whose ledger lies beside it."""
    _, records = read_results(folder / "results.csv")
    anchors = (folder.parent / ".ledger" / "keys" / "root.pem").read_text("utf-8")
    films = [(record, folder / record.path) for record in records if record.path]
    print("\n## Signatures\n")
    print("| what | measured |\n|---|---|")
    states = [read_credentials(path, anchors=anchors).state for _, path in films]
    print(f"| deliveries that c2pa's reader calls trusted | {states.count('trusted')} of {len(films)} |")
    changed = [_changed(path, anchors) for _, path in films]
    print(
        f"| of those, invalid after one changed bit of the pictures | {changed.count('invalid')} of {len(films)} |"
    )
    proofs = [record.proof for record, _ in films]
    passed = sum(proof.startswith("pass") for proof in proofs)
    marked = sum("invisible mark" in proof and proof.startswith("pass") for proof in proofs)
    print(f"| deliveries whose proof passed | {passed} of {len(films)}, {marked} with an invisible mark |")
    for name, path in _sizes(path for _, path in films):
        print(f"| {name} | {_cost(path)} |")


def _changed(path: Path, anchors: str) -> str:
    """The state of a copy with one bit of its media data flipped."""
    data = bytearray(path.read_bytes())
    data[data.rindex(b"mdat") + (len(data) - data.rindex(b"mdat")) // 2] ^= 1
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "changed.mp4"
        copy.write_bytes(data)
        return read_credentials(copy, anchors=anchors).state


def _sizes(films: object) -> list[tuple[str, Path]]:
    """The smallest, the middle and the largest film."""
    ordered = sorted(films, key=lambda path: path.stat().st_size)  # type: ignore[call-overload]
    return [("smallest film", ordered[0]), ("middle film", ordered[len(ordered) // 2]), ("largest film", ordered[-1])]


def _cost(film: Path) -> str:
    """CPU seconds and bytes of signing one film anew."""
    with tempfile.TemporaryDirectory() as folder:
        made = make_test_chain(Path(folder) / "keys", organisation="Trust report", days=2)
        describe_chain(made.chain, made.key).refuse_if_bad()
        signer, target = Signer(made.chain, made.key), Path(folder) / "signed.mp4"
        spent = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            signed = sign_film(film, target, CLAIM, signer)
            spent.append(time.process_time() - begun)
    size = film.stat().st_size / 1e6
    return f"{size:.2f} MB: {statistics.median(spent) * 1000:.0f} ms of CPU, statement of {len(signed.manifest)} bytes"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/Halvora-spring"))
