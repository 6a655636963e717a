"""The creatives of a campaign held against its policy while they go by, before anything is spent.

What blocks becomes a complaint of its row; what a person must look at, and what was overridden, becomes a note. Knows
the policy; makes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from flows.model import Creative, Problem
from flows.policy.judge import OVERRIDDEN, Policy, Verdict
from flows.policy.rules import BLOCK, REVIEW, rulebook
from flows.problems import Problems

#: Code of a row that the policy refuses.
POLICY_REFUSED = "policy_refused"


class PolicyGate:
    """One pass over a campaign's creatives."""

    def __init__(self, policy: Policy, rows_file: str) -> None:
        self._policy, self._file = policy, rows_file
        self._told: dict[tuple[int, Verdict], None] = {}
        self._review: Counter[str] = Counter()
        self._overridden: Counter[tuple[str, str]] = Counter()
        self._languages: set[str] = set()

    def watch(self, creatives: Iterable[Creative]) -> Iterator[Creative]:
        """The same creatives, each judged on its way."""
        for creative in creatives:
            self._languages.add(creative.locale.split("-")[0])
            verdicts = self._policy.judge(creative)
            if verdicts:
                self._note(creative, verdicts)
            yield creative

    def _note(self, creative: Creative, verdicts: tuple[Verdict, ...]) -> None:
        self._told |= {(creative.row.number, one): None for one in verdicts if one.severity == BLOCK}
        self._review.update({one.rule for one in verdicts if one.severity == REVIEW})
        self._overridden.update({(one.rule, one.override) for one in verdicts if one.severity == OVERRIDDEN})

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Complaints, each of its row."""
        problems = Problems(self._file)
        for row, verdict in self._told:
            message = f"{verdict.reason} (rule {verdict.rule})"
            problems.add(POLICY_REFUSED, message, verdict.fix, value=verdict.found, row=row, column=verdict.place)
        return tuple(problems.found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is made all the same, and what is not known."""
        notes = [
            f"policy: {_creatives(count)} {'needs' if count == 1 else 'need'} a person's review by rule {rule}"
            for rule, count in self._review.items()
        ]
        notes += [
            f"policy: rule {rule} is {said}; it concerns {_creatives(count)}"
            for (rule, said), count in self._overridden.items()
        ]
        unread = sorted(self._languages - rulebook().languages)
        if unread and self._policy.stated:
            known = ", ".join(sorted(rulebook().languages))
            notes.append(
                f"policy: the built-in lists have words in {known}; texts in {', '.join(unread)} are held against the"
                " English ones and your own"
            )
        return tuple(notes)


def refused_by_policy(problems: Iterable[Problem]) -> Problem | None:
    """The complaint of the policy among those of a row; a row with one counts as refused, not as invalid."""
    return next((problem for problem in problems if problem.code == POLICY_REFUSED), None)


def _creatives(count: int) -> str:
    return f"{count:,} {'creative' if count == 1 else 'creatives'}"
