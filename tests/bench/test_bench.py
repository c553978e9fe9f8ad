"""The measurements run, on little: what they find depends on the machine and is not looked at."""

from __future__ import annotations

from bench import archive, download, in_flight, ledger, looks, report, rounds, scale
from bench.rounds import Options


def test_creates_and_reads_are_measured_beside_the_floors() -> None:
    few = Options(seconds=0.3, rounds=1, rates=(20.0,), connections=2, members=2)
    found = rounds.run(few)
    assert {row.target for row in found.samples} >= {
        "create → 202", "floor: bare route", "floor: route + two commits",
    }  # fmt: skip
    assert not found.problems
    assert found.rows["generations"] == found.rows["holds"] == found.rows["jobs"] > 0
    assert "create → 202" in report.markdown(found)


def test_the_size_of_a_ledger_is_measured() -> None:
    found = ledger.measure((1, 3))
    assert {row["settled"] for rows in found.values() for row in rows} == {1, 3}
    assert "settled generations" in ledger.markdown(found)


def test_growth_is_measured() -> None:
    found = scale.measure(200, small=100, members=20, rounds=1, repeats=1)
    assert {row.look for row in found.rows} == {look.name for look in looks.LOOKS}
    assert "create → 202" in scale.markdown(found)


def test_what_is_in_flight_is_measured() -> None:
    found = in_flight.measure(30, seconds=1.0)
    assert not found.problems
    assert found.windows[-1].in_flight == 30
    assert "calls held" in in_flight.markdown(found)


def test_archiving_is_measured_beside_its_floor() -> None:
    found = archive.measure(5, rounds=1)
    assert [sample.target for sample in found.samples] == [archive.FLOOR, archive.WORKER]
    assert "5 videos" in archive.markdown(found)


def test_downloads_are_measured_beside_nginx() -> None:
    found = download.measure(1_000_000, rounds=1, readers=3)
    assert {sample.target for sample in found.samples} == {download.GATEWAY, download.NGINX}
    assert found.memory.keys() == {"before", "slow readers", "after"}
    assert found.problems == []
    assert "3 slow readers" in download.markdown(found)
