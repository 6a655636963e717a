"""The picture of a run: a bar for each step, on its worker's line, where and as long as it was worked on."""

from xml.etree import ElementTree

from flows import timeline
from flows.jobs import Spent
from flows.timeline import MOST_BARS, WIDTH, Timesheet

SVG = "{http://www.w3.org/2000/svg}"


def bars(timeline):
    return [
        (rect.get("fill"), float(rect.get("x")), float(rect.get("y")), float(rect.get("width")))
        for rect in ElementTree.fromstring(timeline.svg).iter(f"{SVG}rect")
    ]


def draw_timeline(made, started):
    sheet = Timesheet(started)
    for spent in made:
        sheet.add(spent)
    return sheet.draw()


def test_each_step_is_a_bar_where_and_as_long_as_it_was_worked_on():
    made = [
        Spent("footage", "a", False, 10.0, 9.0, ended=1010.0, worker="one"),
        Spent("master", "b", False, 5.0, 5.0, ended=1020.0, worker="one"),
        Spent("voice", "c", False, 20.0, 1.0, ended=1020.0, worker="two"),
        Spent("plate", "d", True, 3.0, 3.0),
    ]
    timeline = draw_timeline(made, started=1000.0)
    found = bars(timeline)
    assert len(found) == 3, "what was only found took no time"
    (_, first, line, wide), (_, second, same, narrow), (_, _, other, all_of_it) = found
    assert line == same != other
    assert abs(wide / all_of_it - 0.5) < 0.01
    assert abs(narrow / all_of_it - 0.25) < 0.01
    assert abs((second - first) / all_of_it - 0.75) < 0.01
    assert timeline.sentence == "3 steps on 2 workers in 20 s; workers were busy 88% of that time."
    assert [entry[0] for entry in timeline.legend] == ["voice", "footage", "master"]


def test_a_run_that_made_nothing_has_no_picture():
    assert draw_timeline([Spent("plate", "d", True, 3.0, 3.0)], 0.0) is None


def test_a_hundred_thousand_steps_stay_a_picture_of_a_few_bars():
    made = [
        Spent("master", str(number), False, 0.9, 0.9, ended=number + 1.0, worker="one") for number in range(100_000)
    ]
    timeline = draw_timeline(made, started=0.0)
    assert len(bars(timeline)) <= max(MOST_BARS, WIDTH)
    assert sum(width for *_, width in bars(timeline)) > 0.9 * WIDTH


def test_bars_that_cannot_be_joined_are_not_sorted_for_every_step(monkeypatch):
    """A clock that was set back puts all ends on one spot: a run of many steps must not become slower for it."""
    join, joins = timeline._joined, []
    monkeypatch.setattr(timeline, "_joined", lambda bars: joins.append(len(bars)) or join(bars))
    sheet = Timesheet(started=2e9)
    for number in range(60_000):
        sheet.add(Spent("master", str(number), False, 0.5, 0.5, ended=1.0, worker="one"))
    assert len(joins) < 8
    assert sheet.draw().sentence.startswith("60000 steps on 1 worker")
