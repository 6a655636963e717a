"""What is said of a film that was verified: one sentence, the facts behind it, and the exit code for scripts.

Pure: evidence goes in, words come out. Looks at no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from flows.registry import Entry
from generation.marks.credentials.read import Credentials

State = Literal["ours", "ours_but", "not_ours", "unreadable"]
#: Exit codes of `spotmill verify`, the graver one of several files first.
EXIT_CODES: dict[State, int] = {"unreadable": 2, "not_ours": 3, "ours_but": 1, "ours": 0}
#: The maker that our own statements name.
MAKER = "Spotmill"
#: Entries that are told in words; JSON has all.
MOST_TOLD = 4


@dataclass(frozen=True, slots=True)
class MarkFound:
    """What one method of invisible marks found in the picture."""

    method: str
    #: As hex; "" where there is none.
    payload: str = ""
    score: float = 0.0
    threshold: float = 0.0
    frames: int = 0
    #: What was done to the picture, as far as the reader had to undo it.
    change: str = ""
    #: Why nobody could look.
    trouble: str = ""
    is_no_film: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of one file."""

    path: Path
    sha256: str
    own: Credentials
    #: What each method found; the one that counts is first.
    marks: tuple[MarkFound, ...]
    entries: tuple[Entry, ...]
    #: The entries are of exactly these bytes.
    exact: bool
    #: A statement kept in the registry, held against this file.
    kept: Credentials | None

    @property
    def mark(self) -> MarkFound:
        """What was found, or that nothing was."""
        return self.marks[0]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one file."""

    path: Path
    state: State
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    evidence: Evidence | None = None

    def as_json(self) -> dict[str, object]:
        """For other programs."""
        known = self.evidence
        if known is None:
            return {"file": str(self.path), "state": self.state, "sentence": self.sentence}
        return {
            "file": str(self.path),
            "state": self.state,
            "sentence": self.sentence,
            "sha256": known.sha256,
            "unchanged_bytes": known.exact,
            "credentials": asdict(known.own),
            "kept_statement": asdict(known.kept) if known.kept else None,
            "mark": asdict(known.mark),
            "marks": [asdict(mark) for mark in known.marks],
            "entries": [asdict(entry) for entry in known.entries],
        }


def unreadable(path: Path, reason: str) -> Verdict:
    """The verdict on what is no readable film."""
    return Verdict(path, "unreadable", f"Cannot be read: {reason.rstrip('.')}.")


def judged(known: Evidence) -> Verdict:
    """The verdict on a film."""
    state, sentence = _judgement(known)
    return Verdict(known.path, state, sentence, tuple(_facts(known)), known)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Of several files: the gravest."""
    states = {verdict.state for verdict in verdicts}
    return next((code for state, code in EXIT_CODES.items() if state in states), EXIT_CODES["unreadable"])


# --- the sentence ---------------------------------------------------------------------------------------------------


def _judgement(known: Evidence) -> tuple[State, str]:
    own = known.own
    if known.exact:
        return _delivered(own)
    if own.state == "trusted" and (known.entries or _made_here(own)):
        return _signed(known)
    if own.changed and (known.entries or _made_here(own)):
        return "ours_but", f"Ours, signed by {_name(own)}, but changed since: {_list(own.reasons)}."
    if known.entries:
        return "ours_but", _marked(known)
    return "not_ours", _foreign(known)


def _delivered(own: Credentials) -> tuple[State, str]:
    """Exactly the bytes of a delivery."""
    if own.state == "trusted":
        return "ours", f"Ours, signed by {_name(own)} and unchanged since it was delivered."
    if own.state == "none":
        return "ours_but", "Ours and unchanged since it was delivered, but it was delivered without a signature."
    return "ours_but", f"Ours and unchanged since it was delivered, but not trusted: {_list(own.reasons)}."


def _signed(known: Evidence) -> tuple[State, str]:
    """A trusted signature over a file whose bytes are no delivery's."""
    if known.entries:
        return "ours_but", (
            f"Ours, and what {_name(known.own)} signed of it is unchanged, but the file is not byte for byte what was "
            "delivered."
        )
    return "ours", f"Ours by the signature of {_name(known.own)}, unchanged since; the ledger has no record of it."


def _marked(known: Evidence) -> str:
    """No statement of its own that counts: the mark leads to the registry, and to the statement kept there."""
    own, kept = known.own, known.kept
    lost = "carries no signed statement any more" if own.state == "none" else f"is not trusted: {_list(own.reasons)}"
    if kept is None:
        return f"Ours by its invisible mark, but it {lost}; no statement was kept to hold against it."
    if kept.state == "trusted":
        return f"Ours, signed by {_name(kept)}, and its data is unchanged, but the file {lost}."
    if kept.changed:
        return f"Ours, signed by {_name(kept)}, but changed since: {_list(kept.reasons)}; the file {lost}."
    return f"Ours by its invisible mark, but it {lost}, and the statement kept for it is not trusted either."


def _foreign(known: Evidence) -> str:
    own = known.own
    if own.state == "none" and known.mark.payload:
        return f"Not known here: it carries the invisible mark {known.mark.payload}, which is not in this ledger."
    if own.state == "none":
        tried = " or ".join(mark.method for mark in known.marks if not mark.trouble)
        mark = f"no {tried} mark" if tried else "no mark that could be looked for"
        return f"Not ours, or nothing of ours is left in it: no statement, {mark}, no record of its hash."
    return f"Not ours: it carries a statement of {_name(own)} ({_STATE_WORDS[own.state]}), and nothing of ours."


def _made_here(own: Credentials) -> bool:
    return own.made_by.split("/")[0] == MAKER


def _name(own: Credentials) -> str:
    if own.issuer and own.signer and own.issuer != own.signer:
        return f"{own.issuer} ({own.signer})"  # both may hold commas
    return own.issuer or own.signer or "an unnamed signer"


def _list(reasons: Sequence[str]) -> str:
    return "; ".join(reasons) or "no reason is given"


# --- the facts ------------------------------------------------------------------------------------------------------

_STATE_WORDS = {
    "trusted": "holds, by a trusted certificate",
    "valid_untrusted": "holds, by a certificate that this machine does not trust",
    "invalid": "does not hold",
    "none": "none",
}


def _facts(known: Evidence) -> Iterator[tuple[str, str]]:
    own = known.own
    yield "signature", _with(_STATE_WORDS[own.state], own.reasons)
    if own.state != "none":
        yield from _statement(own)
    if known.kept:
        yield "kept statement", _with(_STATE_WORDS[known.kept.state], known.kept.reasons)
        yield from _statement(known.kept)
    for mark in known.marks[:1] if known.mark.payload else known.marks:
        yield "invisible mark", _mark_words(mark)
    yield from _entry_words(known)
    yield "SHA-256", known.sha256 + (", as delivered" if known.exact else "")


def _statement(one: Credentials) -> Iterator[tuple[str, str]]:
    told = "said of it" if one.state != "invalid" or one.statement_trusted else "claimed, by nobody who can be trusted"
    yield "signed by", _name(one)
    unsure = "" if one.time_stamped else ", says a time stamp authority that this machine does not trust"
    yield "signed at", f"{one.signed_at}{unsure}" if one.signed_at else "no time stamp"
    models = ", ".join(" ".join(model) for model in one.models)
    made = ", ".join(filter(None, (one.digital_source_type, one.made_by, models)))
    yield told, made
    yield "done to it", ", ".join(_action(*action) for action in one.actions)
    if one.ingredients:
        yield "made from", ", ".join(one.ingredients)
    yield "AI training", one.training or "not stated"


def _action(name: str, description: str) -> str:
    word = name.rpartition(".")[2]
    return f"{word} ({description})" if description else word


def _mark_words(mark: MarkFound) -> str:
    if mark.trouble:
        return f"{mark.method} could not be looked for: {mark.trouble}"
    scores = f"score {mark.score:.1f}, needed {mark.threshold:.1f}, {mark.frames} frames"
    if not mark.payload:
        return f"no {mark.method} mark found ({scores})"
    return f"{mark.payload}, by {mark.method} ({scores}{f', {mark.change}' if mark.change else ''})"


def _entry_words(known: Evidence) -> Iterator[tuple[str, str]]:
    if not known.entries:
        yield "in this ledger", "nothing"
    for entry in known.entries[:MOST_TOLD]:
        yield (
            "in this ledger",
            f"{entry.campaign}: creative {entry.creative_id}, row {entry.row} ({entry.row_id}), {entry.placement}",
        )
    if len(known.entries) > MOST_TOLD:
        yield "in this ledger", f"and {len(known.entries) - MOST_TOLD} more with this mark"


def _with(word: str, reasons: Sequence[str]) -> str:
    return f"{word}: {'; '.join(reasons)}" if reasons else word
