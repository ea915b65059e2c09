"""A policy that learns in the dream."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from dream import Dream
from policy import COUNT, Chancer, Idler, Policy, Search, drive, learn, markdown, reward
from tests.examples.worlds.drawn import straight, with_speed
from tests.examples.worlds.tiny_world import write_weights

CAREFUL = np.array([0, 0, 0, 0, 1, 1, 0, 0.6, -1, -0.6, 1, 0.2])


def test_it_steers_to_the_road_and_the_other_way_in_the_mirror() -> None:
    picture = with_speed(straight(40, 54))
    right, left = drive(np.stack([CAREFUL, CAREFUL]), np.stack([straight(40, 54), straight(40, 54)[:, ::-1]]))
    assert right[0] > 0.5
    assert left == pytest.approx(right * [-1, 1, 1], abs=0.05)
    assert Policy(CAREFUL).act(straight(40, 54)).tolist() == right.tolist()
    assert Policy(CAREFUL).act(picture)[2] > 0  # too fast for what lies ahead


def test_a_picture_is_worth_its_speed_on_the_road() -> None:
    pictures = np.stack([straight(), with_speed(straight()), with_speed(straight(0, 12))])
    assert reward(pictures).tolist() == [0, 1, -1]


def test_the_search_finds_the_best_of_a_known_landscape() -> None:
    chance = np.random.default_rng(0)
    goal = np.linspace(-1, 1, COUNT)
    search = Search(np.zeros(COUNT), np.ones(COUNT))
    for generation in range(40):
        people = search.ask(chance, 16)
        search.tell(people, -((people - goal) ** 2).sum(1), generation)
    assert ((search.mean - goal) ** 2).sum() < 0.1 * (goal**2).sum()


def test_learning_ends_with_the_time_and_repeats_with_the_seed(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    told: list[str] = []

    def learnt() -> list[float]:
        clock = itertools.count(0.0, 10.0)
        return list(learn(Dream(weights, batch=4, seed=3), 25.0, 3, told.append, lambda: next(clock)))

    first = learnt()
    assert len(first) == COUNT
    assert first == learnt()
    assert told[0].startswith("generation 1: mean reward")


def test_others_drive_without_looking() -> None:
    assert Idler().act(straight()).tolist() == [0, 0, 0]
    actions = np.stack([Chancer(1).act(straight()) for _ in range(3)])
    assert (actions >= (-1, 0, 0)).all()
    assert (actions <= 1).all()


def test_the_report_is_a_table() -> None:
    table = markdown({"random": {"reward": -31.4, "deviation": 2.2, "on_road": 0.256}})
    assert "| random | -31 ± 2 | 26 % |" in table
