"""What is seen in pictures, and how one drives by it."""

import numpy as np
import pytest
from eyes import LookingDriver, on_road, road, sees_road, shows_kerb, speed, way
from simulator import Simulator
from tests.examples.worlds.drawn import GRASS, straight, with_speed


def test_the_road_is_what_is_grey() -> None:
    picture = straight(25, 39)
    picture[58:61, 1:7] = 110  # digits of the score are grey, too
    seen = road(picture)
    assert seen[:40, 25:39].all()
    assert not seen[:, :25].any()
    assert not seen[:, 39:].any()
    assert not seen[56:].any()
    assert not seen[44:52, 31:33].any()


@pytest.mark.parametrize("colour", [GRASS, (100, 230, 100), (255, 0, 0), (255, 255, 255), (0, 0, 0), (60, 60, 60)])
def test_grass_kerbs_and_dials_are_no_road(colour: tuple[int, int, int]) -> None:
    assert not road(np.full((64, 64, 3), colour, np.uint8)).any()


def test_a_blurred_road_with_a_cast_is_still_one() -> None:
    picture = straight(25, 39).astype(np.float64)
    picture[:, 1:-1] = (picture[:, :-2] + picture[:, 1:-1] + picture[:, 2:]) / 3
    seen = road((picture + [8, -6, 4]).astype(np.uint8))
    assert seen[:40, 26:38].all()
    assert not seen[:, :24].any()


def test_road_is_under_the_car_ahead_of_it_or_neither() -> None:
    ahead = straight()
    ahead[36:56] = GRASS
    nothing = straight(0, 0)
    beside = straight(0, 12)
    pictures = np.stack([straight(), ahead, nothing, beside])
    assert on_road(pictures).tolist() == [True, False, False, False]
    assert sees_road(pictures).tolist() == [True, True, False, False]


def test_a_kerb_is_red_and_beside_the_car() -> None:
    kerb, car = straight(), straight()
    kerb[10, 20:25] = (255, 0, 0)
    car[44:51, 31:34] = (204, 0, 0)
    assert shows_kerb(np.stack([straight(), kerb, car])).tolist() == [False, True, False]


def test_speed_is_read_off_the_white_bar() -> None:
    assert float(speed(with_speed(straight()))) == pytest.approx(59.75, abs=1.5)
    assert float(speed(straight())) == 0


def test_the_way_is_followed_from_the_car_on() -> None:
    angles, distances = way(straight())
    assert distances[0] == 4
    assert distances[-1] > 25
    assert np.abs(angles).max() < 0.2
    assert way(straight(0, 0))[0].size == 0


@pytest.mark.parametrize(("left", "steers"), [(8, -1), (42, 1)])
def test_it_steers_to_the_road(left: int, steers: int) -> None:
    assert LookingDriver().act(straight(left, left + 14))[0] * steers > 0.5


def test_it_goes_straight_on_a_straight_and_brakes_where_it_is_too_fast() -> None:
    driver = LookingDriver(fastest=30)
    slow, fast = driver.act(straight()), driver.act(with_speed(straight()))
    assert abs(slow[0]) < 0.1
    assert slow[1] > 0.5
    assert slow[2] == 0
    assert fast[1] == 0
    assert fast[2] > 0.5


def test_it_turns_to_where_the_road_was_last_seen() -> None:
    driver = LookingDriver()
    driver.act(straight(8, 22))
    assert driver.act(straight(0, 0))[0] == pytest.approx(-0.6)


def test_it_keeps_on_the_road_of_the_real_game() -> None:
    simulator, driver = Simulator(), LookingDriver()
    picture = simulator.reset(1000, somewhere=False)
    for _ in range(75):
        picture, _, _ = simulator.step(driver.act(picture))
        assert on_road(picture)
    assert 15 < simulator.car()[3] < 40
    assert float(speed(picture)) == pytest.approx(simulator.car()[3], abs=2)
    simulator.close()
