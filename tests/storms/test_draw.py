"""What is drawn, and what is right for it."""

from __future__ import annotations

from tests.standin.oddities import ODDITIES
from tests.standin.script import Point
from tests.storms import draw, right


def test_every_oddity_is_met_by_some_storm() -> None:
    met = {trial.name for kind in draw.KINDS for trial in draw.trials(kind)}
    assert ODDITIES.keys() - met == right.LEFT_OUT


def test_every_name_that_has_a_right_answer_of_its_own_is_one() -> None:
    for kind in (*right.POSTS.values(), *right.LOOKS.values()):
        assert kind.others.keys() <= set(kind.names)
    assert ODDITIES.keys() >= right.HELD


def test_a_seed_draws_the_same_again_and_another_seed_another() -> None:
    first, again, other = (draw.sample(draw.KINDS, seed=seed, size=30) for seed in (1, 1, 2))
    assert first == again != other
    assert {trial.point for trial in first} == set(Point)


def test_prompts_are_different_beyond_what_an_echo_changes() -> None:
    wishes = draw.wishes(draw.trials("posts echoes"), seed=1)
    assert len({wish.prompt.lower()[:60] for wish in wishes}) == len(wishes)
    assert all(len(wish.prompt) > 200 for wish in wishes)


def test_what_is_taken_for_another_s_has_that_other_before_it() -> None:
    before = set()
    for wish in draw.wishes(draw.trials("posts echoes"), seed=1):
        assert wish.victim is None or wish.victim in before
        before.add(wish.prompt)
