"""Gymnasium's CarRacing-v3 as the dream knows it: 64x64 pixels, two of its steps to a picture, 25 pictures a second."""

import math
from typing import Any, Final

import numpy as np
from gymnasium.envs.box2d.car_dynamics import Car
from gymnasium.envs.box2d.car_racing import CarRacing
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Action = NDArray[np.float32]

SIDE: Final = 64
STEPS_PER_PICTURE: Final = 2
_ZOOM_STEPS: Final = 50
"""For so many steps the camera falls towards the car; nobody drives in them."""


class _SmallCarRacing(CarRacing):
    """Draws 64x64 pixels, and nothing while nobody looks: drawing takes most of the time."""

    looked_at = False

    def _render(self, mode: str) -> Any:
        return super()._render(mode) if self.looked_at else np.zeros((SIDE, SIDE, 3), np.uint8)

    def _create_image_array(self, screen: Any, size: tuple[int, int]) -> Any:
        return super()._create_image_array(screen, (SIDE, SIDE))


class Simulator:
    """The real thing."""

    def __init__(self) -> None:
        self._game = _SmallCarRacing(lap_complete_percent=2.0)

    def reset(self, seed: int, somewhere: bool = True) -> Picture:
        """Puts the car on a new track: at its start, or somewhere on it, about in the direction of the road."""
        game = self._game
        game.looked_at = False
        game.reset(seed=seed)
        for _ in range(_ZOOM_STEPS):
            game.step(np.zeros(3, np.float32))
        if somewhere:
            chance = np.random.default_rng(seed)
            _, angle, x, y = game.track[int(chance.integers(len(game.track)))]
            self.place(x, y, angle + chance.normal(0, 0.15))
        return self.step(np.zeros(3, np.float32))[0]

    def place(self, x: float, y: float, angle: float) -> None:
        """Puts a new car, that stands, at a place (m) and in a direction (rad)."""
        assert self._game.car is not None
        self._game.car.destroy()
        self._game.car = Car(self._game.world, angle, x, y)

    def step(self, action: Action) -> tuple[Picture, float, bool]:
        """Holds steer (-1..1), gas and brake (0..1) for two steps: the picture then, their reward, whether it is over."""
        game, reward, over = self._game, 0.0, False
        for step in range(STEPS_PER_PICTURE):
            game.looked_at = step == STEPS_PER_PICTURE - 1
            picture, gained, over, _, _ = game.step(action.astype(np.float64))
            reward += float(gained)
            if over:
                break
        return np.asarray(picture, np.uint8), reward, over

    def close(self) -> None:
        self._game.close()

    def track(self) -> NDArray[np.float64]:
        """The middle of the road: x, y (m) and angle (rad) of each of its pieces, (n, 3)."""
        return np.array([(x, y, angle) for _, angle, x, y in self._game.track])

    def car(self) -> tuple[float, float, float, float]:
        """Where the car is: x, y (m), angle (rad), speed (m/s)."""
        assert self._game.car is not None
        hull = self._game.car.hull
        return hull.position[0], hull.position[1], hull.angle, math.hypot(*hull.linearVelocity)


class Driver:
    """Follows the road by what the simulator knows, in a style of its own and with faults, so that the data hold every situation.

    Some drive as with a keyboard, some smoothly; they change sides, leave the road, and now and then do anything at all.
    """

    def __init__(self, chance: np.random.Generator) -> None:
        self._chance = chance
        self._ahead = int(chance.integers(4, 10))
        self._speed = chance.uniform(18, 60)
        self._keyboard = chance.random() < 0.6
        self._dead_angle = chance.uniform(0.03, 0.15)
        self._gain = chance.uniform(1.0, 3.0)
        self._side = 0.0
        self._side_goal = 0.0
        self._wild = 0
        self._wild_action = np.zeros(3)

    def act(self, simulator: Simulator) -> Action:
        """Steer, gas and brake from here."""
        if self._wild > 0:
            self._wild -= 1
            return self._wild_action.astype(np.float32)
        if self._chance.random() < 0.015:
            self._begin_wild()
        error, goal, speed = self._look(simulator)
        if self._keyboard:
            steer = -math.copysign(1.0, error) if abs(error) > self._dead_angle else 0.0
            action = (steer, float(speed < goal), 0.8 * float(speed > goal * 1.25))
        else:
            steer = -error * self._gain + self._chance.normal(0, 0.1)
            action = (steer, (goal - speed) * 0.1, min((speed - goal * 1.15) * 0.05, 0.8))
        return np.clip(np.array(action, np.float32), (-1, 0, 0), 1).astype(np.float32)

    def _look(self, simulator: Simulator) -> tuple[float, float, float]:
        """The angle to where it wants to go, the speed that it wants, and the one that it has."""
        track = simulator.track()
        x, y, angle, speed = simulator.car()
        here = int(np.argmin((track[:, 0] - x) ** 2 + (track[:, 1] - y) ** 2))
        if self._chance.random() < 0.01:
            self._side_goal = self._chance.uniform(-1, 1) * float(self._chance.choice([2.0, 6.0, 12.0]))
        self._side += 0.05 * (self._side_goal - self._side)
        aim_x, aim_y, aim_angle = track[(here + self._ahead) % len(track)]
        aim_x, aim_y = aim_x + self._side * math.cos(aim_angle), aim_y + self._side * math.sin(aim_angle)
        error = _turned(-math.atan2(aim_x - x, aim_y - y) - angle)
        bend = abs(_turned(track[(here + self._ahead + 8) % len(track), 2] - track[here, 2]))
        return error, max(12.0, self._speed * (1.0 - 0.7 * min(1.0, bend))), speed

    def _begin_wild(self) -> None:
        """For up to a second: keys pressed at random, anything, or hands off."""
        chance = self._chance
        self._wild = int(chance.integers(4, 25))
        kind = chance.random()
        if kind < 0.5:
            keys = (chance.choice([-1, 0, 1]), chance.choice([0, 0, 1]), chance.choice([0, 0, 0, 0.8]))
            self._wild_action = np.array(keys, float)
        elif kind < 0.75:
            self._wild_action = np.array([chance.uniform(-1, 1), chance.random(), chance.random() * (chance.random() < 0.3)])
        else:
            self._wild_action = np.zeros(3)


def _turned(angle: float) -> float:
    """The same angle, -pi..pi."""
    return (angle + math.pi) % (2 * math.pi) - math.pi
