"""`spotmill verify`: ours or not, by whom, changed or not; and one exit code that a script can build on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows import verify as verify_module
from flows.cli import commands
from flows.model import BadInput
from flows.registry import Entry, Registry
from flows.verdict import Verdict, exit_code
from flows.verify import Verifier
from generation.errors import BadMedia, NotAvailable
from generation.marks.credentials.local_chain import LocalChain, make_test_chain
from generation.marks.credentials.sign import sign_film
from generation.marks.invisible import get_mark
from generation.marks.invisible.learned import VARIABLE
from tests.generation import signing
from tests.generation.signing import claim, ffmpeg, signer
from tests.generation.test_mark_contract import PAYLOAD, film, tiny_models

MARK = "a1b2c3d4e5f6"


@dataclass(frozen=True)
class Reading:
    """As the port for invisible marks gives it."""

    payload: bytes | None
    score: float = 9.0
    threshold: float = 6.5
    frames: int = 24
    change: str = ""


class Mark:
    """A reader of marks that finds what it is told to; the real one has its own tests."""

    def __init__(self, payload: str = "", error: Exception | None = None, change: str = "") -> None:
        self.reading = Reading(bytes.fromhex(payload) if payload else None, change=change)
        self.error = error
        self.asked: list[tuple[bytes, str]] = []

    def read(self, path: Path, *, key: bytes, effort: str, deadline_seconds: float) -> Reading:
        assert deadline_seconds > 0
        self.asked.append((key, effort))
        if self.error:
            raise self.error
        return self.reading


class Place:
    """A ledger that knows one signed delivery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain: LocalChain = make_test_chain(folder / "keys", organisation="Dawn")
        self.film = signing.make_film(folder / "film.mp4")
        self.signed = folder / "signed.mp4"
        facts = sign_film(self.film, self.signed, claim(mark=MARK), signer(self.chain))
        self.registry = Registry(folder / "ledger")
        self.entry = Entry(MARK, facts.sha256, "spring", "red-en", 3, "red", "linkedin_square", "0" * 64)
        self.registry.add(self.entry)
        self.registry.add(replace(self.entry, placement="tiktok_infeed", sha256="1" * 64))
        (folder / "m.c2pa").write_bytes(facts.manifest)
        self.registry.keep_manifest(facts.sha256, folder / "m.c2pa")

    def verdict(self, path: Path, mark: Mark | None = None, **changes: object) -> Verdict:
        facts = {
            "registry": self.registry,
            "anchors": self.chain.root.read_text(),
            "marks": {"spread": mark or Mark(MARK)},
        }
        return Verifier(**(facts | changes)).one(path)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("verify"))


def facts(verdict: Verdict, name: str) -> list[str]:
    return [value for key, value in verdict.facts if key == name]


def test_a_delivery_as_it_was_delivered_is_ours(place: Place) -> None:
    mark = Mark(MARK)
    found = place.verdict(place.signed, mark, mark_key=b"secret")
    assert found.state == "ours"
    assert found.sentence == (
        "Ours, signed by Dawn (Test signer made by Spotmill) and unchanged since it was delivered."
    )
    assert facts(found, "in this ledger") == ["spring: creative red-en, row 3 (red), linkedin_square"]
    assert facts(found, "invisible mark") == [f"{MARK}, by spread (score 9.0, needed 6.5, 24 frames)"]
    assert facts(found, "AI training") == ["notAllowed"]
    assert mark.asked == [(b"secret", "full")]
    assert exit_code([found]) == 0


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit in mdat": (
        lambda data: data[:-500] + bytes([data[-500] ^ 1]) + data[-499:],
        "but changed since: the picture or sound data was changed after signing.",
    ),
    "a box appended": (
        lambda data: data + b"\0\0\0\x10free12345678",
        "but the file is not byte for byte what was delivered.",
    ),
    "junk appended": (lambda data: data + b"x" * 999, "the file is not trusted: the statement is damaged"),
}


@pytest.mark.fault(16, "a bit of a signed film, a box, and junk at its end are changed")
@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_delivery_is_ours_but_changed(name: str, place: Place, tmp_path: Path) -> None:
    change, said = CHANGES[name]
    path = tmp_path / "film.mp4"
    path.write_bytes(change(place.signed.read_bytes()))
    found = place.verdict(path)
    assert found.state == "ours_but"
    assert said in found.sentence
    assert facts(found, "in this ledger") == ["spring: creative red-en, row 3 (red), linkedin_square"]
    assert exit_code([found]) == 1


@pytest.mark.fault(16, "a signed film is re-packed, and encoded anew")
@pytest.mark.parametrize("how", ["copy", "encode"])
def test_a_film_back_from_a_platform_is_found_by_its_mark_alone(how: str, place: Place, tmp_path: Path) -> None:
    path = tmp_path / "download.mp4"
    small = ("-vf", "scale=96:72", "-crf", "30", "-threads", "1")
    ffmpeg("-i", place.signed, *(("-c", "copy") if how == "copy" else small), path)
    found = place.verdict(path, Mark(MARK, change="scaled to 60%"))
    assert found.state == "ours_but"
    assert found.sentence == (
        "Ours, signed by Dawn (Test signer made by Spotmill), but changed since: the picture or sound data was changed "
        "after signing; the file carries no signed statement any more."
    )
    assert facts(found, "in this ledger") == ["spring: creative red-en, row 3 (red), linkedin_square"]
    assert facts(found, "invisible mark") == [f"{MARK}, by spread (score 9.0, needed 6.5, 24 frames, scaled to 60%)"]
    nothing = place.verdict(path, Mark())
    assert (nothing.state, exit_code([nothing])) == ("not_ours", 3)
    assert nothing.sentence.startswith("Not ours, or nothing of ours is left in it")


def test_a_mark_that_the_ledger_does_not_know_is_not_ours(place: Place) -> None:
    found = place.verdict(place.film, Mark("ffffffffffff"))
    assert found.state == "not_ours"
    assert "carries the invisible mark ffffffffffff, which is not in this ledger" in found.sentence


def test_a_stripped_film_whose_statement_was_not_kept_is_still_ours(place: Place, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(place.entry)
    found = place.verdict(place.film, registry=registry)
    assert found.sentence.startswith("Ours by its invisible mark, but it carries no signed statement any more; no")
    assert found.state == "ours_but"


def test_an_unsigned_delivery_is_ours_but_unsigned(place: Place, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(replace(place.entry, sha256=signing.hashlib.sha256(place.film.read_bytes()).hexdigest()))
    found = place.verdict(place.film, registry=registry)
    assert found.sentence == "Ours and unchanged since it was delivered, but it was delivered without a signature."
    assert found.state == "ours_but"


def test_a_delivery_by_a_certificate_that_nobody_trusts_is_not_enough(place: Place) -> None:
    found = place.verdict(place.signed, anchors="")
    assert found.state == "ours_but"
    assert "but not trusted: the signer's certificate is by nobody whom this machine trusts." in found.sentence


def test_a_trusted_signature_of_ours_is_enough_where_there_is_no_ledger(place: Place, tmp_path: Path) -> None:
    found = place.verdict(place.signed, Mark(), registry=Registry(tmp_path))
    assert found.state == "ours"
    assert "the ledger has no record of it" in found.sentence


def test_whoever_copies_our_claims_under_a_name_of_their_own_is_not_ours(place: Place, tmp_path: Path) -> None:
    forger = make_test_chain(tmp_path / "keys", organisation="Dawn")
    forged = tmp_path / "forged.mp4"
    other = signing.make_film(tmp_path / "other.mp4", "64x64")
    sign_film(other, forged, claim(mark=MARK), signer(forger))
    found = place.verdict(forged, Mark())
    assert found.state == "not_ours"
    assert "a certificate that this machine does not trust" in found.sentence
    # A film by somebody whom this machine trusts as well, made with other software, is theirs.
    sign_film(other, forged, claim(mark="", made_by="Other/1"), signer(place.chain))
    assert place.verdict(forged, Mark()).state == "not_ours"


def test_unreadable_files_are_no_exception(place: Place, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    no_film = Mark(error=BadMedia("notes.txt: no film"))
    for path in (text, tmp_path / "none.mp4", tmp_path):
        found = place.verdict(path, no_film)
        assert (found.state, exit_code([found])) == ("unreadable", 2)
        assert found.sentence.startswith("Cannot be read: ")


def test_a_mark_that_cannot_be_looked_for_is_said(place: Place) -> None:
    found = place.verdict(place.signed, Mark(error=NotAvailable("ffmpeg is not there")))
    assert found.state == "ours"
    assert facts(found, "invisible mark") == ["spread could not be looked for: ffmpeg is not there"]


def test_every_method_is_tried_until_one_leads_to_the_ledger(place: Place) -> None:
    spread, learned = Mark(), Mark(MARK)
    found = place.verdict(place.film, marks={"spread": spread, "learned": learned}, mark_key=b"secret")
    assert found.state == "ours_but"
    assert facts(found, "invisible mark") == [f"{MARK}, by learned (score 9.0, needed 6.5, 24 frames)"]
    assert spread.asked == learned.asked == [(b"secret", "full")]
    # A mark that the ledger does not know may be chance, or somebody else's: the others are tried all the same.
    found = place.verdict(place.film, marks={"spread": Mark("ffffffffffff"), "learned": learned})
    assert facts(found, "invisible mark")[0].startswith(f"{MARK}, by learned")
    late = Mark(MARK)
    place.verdict(place.film, marks={"spread": Mark(MARK), "learned": late})
    assert not late.asked


def test_what_was_tried_is_said(place: Place) -> None:
    none = place.verdict(place.film, marks={"spread": Mark()}, lacking={"learned": "no models are named"})
    assert "no statement, no spread mark, no record of its hash" in none.sentence
    assert facts(none, "invisible mark") == [
        "no spread mark found (score 9.0, needed 6.5, 24 frames)",
        "learned could not be looked for: no models are named",
    ]
    both = place.verdict(place.film, marks={"spread": Mark(), "learned": Mark()})
    assert "no spread or learned mark" in both.sentence
    blind = place.verdict(place.film, marks={"spread": Mark(error=NotAvailable("no ffmpeg"))})
    assert "no mark that could be looked for" in blind.sentence
    assert [one["method"] for one in none.as_json()["marks"]] == ["spread", "learned"]  # type: ignore[attr-defined]


def test_the_gravest_of_several_files_decides(place: Place, tmp_path: Path) -> None:
    states = {"ours": 0, "ours_but": 1, "not_ours": 3, "unreadable": 2}
    verdicts = {state: Verdict(Path("f"), state, "") for state in states}  # type: ignore[arg-type]
    assert {state: exit_code([verdict]) for state, verdict in verdicts.items()} == states
    assert exit_code([verdicts["ours"], verdicts["ours_but"]]) == 1
    assert exit_code([verdicts["ours_but"], verdicts["not_ours"]]) == 3
    assert exit_code([verdicts["not_ours"], verdicts["unreadable"], verdicts["ours"]]) == 2


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    (tmp_path / "spotmill.toml").write_text(f'trust_anchors = "{place.chain.root}"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify_module, "invisible_marks", lambda: ({"spread": Mark(MARK)}, {}))
    return lambda *words: CliRunner().invoke(commands, ["verify", *map(str, words)])


def test_the_command_prints_a_sentence_and_facts(place: Place, ask: Callable[..., Result]) -> None:
    ended = ask(place.signed, "--ledger", place.folder / "ledger")
    assert ended.exit_code == 0, ended.output
    assert f"{place.signed}: Ours, signed by Dawn" in ended.output
    assert "  in this ledger: spring: creative red-en, row 3 (red), linkedin_square" in ended.output
    assert ask(place.signed, place.folder / "none.mp4").exit_code == 2
    assert ask().exit_code == 2


def test_the_command_prints_json_for_scripts(place: Place, ask: Callable[..., Result]) -> None:
    ended = ask(place.signed, place.film, "--ledger", place.folder / "ledger", "--json")
    assert ended.exit_code == 1
    one, other = json.loads(ended.stdout)
    assert (one["state"], other["state"]) == ("ours", "ours_but")
    assert one["entries"][0]["row_id"] == "red"
    assert one["credentials"]["state"] == "trusted"
    assert other["kept_statement"]["statement_trusted"] is True


def test_a_film_with_a_learned_mark_is_found_where_its_models_are_named(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="`make test` installs it")
    tiny_models(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    marks, lacking = verify_module.invisible_marks()
    assert (list(marks), lacking) == (["spread", "learned"], {})
    marked = film(tmp_path / "marked.mp4", get_mark("learned"), frames=24)
    registry = Registry(tmp_path / "ledger")
    registry.add(replace(place.entry, mark=PAYLOAD.hex()))
    # A reading of the other takes ten seconds, and its own tests show that it finds nothing in such a film.
    found = place.verdict(marked, registry=registry, marks={"spread": Mark(), "learned": marks["learned"]})
    assert found.state == "ours_but"
    assert facts(found, "invisible mark")[0].startswith(f"{PAYLOAD.hex()}, by learned")
    monkeypatch.delenv(VARIABLE)
    marks, lacking = verify_module.invisible_marks()
    assert (list(marks), lacking) == (["spread"], {"learned": f"{VARIABLE} names no models here"})


def test_models_that_are_named_and_cannot_be_used_are_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(BadInput, match=r"encoder\.onnx"):
        verify_module.invisible_marks()


def test_a_ledger_that_is_not_there_is_said(place: Place, ask: Callable[..., Result], tmp_path: Path) -> None:
    ended = ask(place.signed, "--out", tmp_path / "nowhere")
    assert ended.exit_code == 0
    assert "note: nothing was delivered from" in ended.output
