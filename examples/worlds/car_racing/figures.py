"""The figures of the model card: each a function of weights and held-out drives."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from dream import LIVELY, Dream
from eyes import Action, LookingDriver, Picture, on_road, sees_road, speed
from held import CONTEXT, HeldOut, Places
from measures import balanced_accuracy, psnr, sharpness
from recovery import pedals, read, steering, train

STEPS: Final = (5, 10, 25, 50)
LONG: Final = 1000
LESSONS: Final = 700
"""Steps that the reader of actions is trained for."""

LAST: Final = 50
"""Pictures up to step 1,000 of a dream that its sharpness is taken from: one alone is a matter of luck."""

_FIRST: Final = 5
_AT_ONCE: Final = 10

Figures = dict[str, Any]
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What is measured, with what, and how much of it."""

    weights: Path
    held: HeldOut
    starts: int
    dreams: int
    temperature: float = LIVELY
    seed: int = 0
    long: int = LONG
    lessons: int = LESSONS


def open_loop(wish: Wish, places: Places, tell: Tell) -> Picture:
    """Dreams (k, 50, 64, 64, 3) from places of drives on, under the actions of the drives."""
    length = max(STEPS)
    parts = []
    for at in range(0, len(places), _AT_ONCE):
        tell("open loop", at, len(places))
        frames, actions = wish.held.pieces(places[at : at + _AT_ONCE], length)
        dream = Dream(wish.weights, batch=len(frames), seed=wish.seed + at)
        dream.temperature = wish.temperature
        dream.begin_after(frames[:, :CONTEXT], actions[:, 1:CONTEXT])
        seen = [dream.step(actions[:, CONTEXT + step]) for step in range(length)]
        parts.append(np.stack([each.reshape(-1, 64, 64, 3) for each in seen], axis=1))
    return np.concatenate(parts)


def fidelity(wish: Wish, places: Places, dreamed: Picture) -> Figures:
    """PSNR in dB of the dreamed pictures at some steps, and of repeating the last picture that was seen."""
    frames, _ = wish.held.pieces(places, max(STEPS))
    last, truth = frames[:, CONTEXT - 1], frames[:, CONTEXT:]
    found: Figures = {"starts": len(places)}
    for step in STEPS:
        dream, repeated = psnr(dreamed[:, step - 1], truth[:, step - 1]).mean(), psnr(last, truth[:, step - 1]).mean()
        found[str(step)] = {"dream_db": float(dream), "repeat_db": float(repeated), "gain_db": float(dream - repeated)}
    return found


def recovered(wish: Wish, places: Places, dreamed: Picture) -> Figures:
    """How well a reader, trained on real pairs of the other drives, reads actions off dreamed pairs and off the real ones."""
    held = wish.held
    learnt = np.flatnonzero((held.drives[1:] == held.drives[:-1]) & (held.drives[1:] % 2 == 0)) + 1
    reader = train(held.frames[learnt - 1], held.frames[learnt], held.actions[learnt], steps=wish.lessons, seed=wish.seed)
    frames, actions = held.pieces(places, max(STEPS))
    truth = actions[:, CONTEXT + _FIRST - 1 :].reshape(-1, 3)
    wheel, pedal = steering(truth), pedals(truth)
    found: Figures = {"pairs": len(truth)}
    for name, pictures in (("real", frames[:, CONTEXT:]), ("dreamed", dreamed)):
        older, newer = (pictures[:, _FIRST - 1 - back :][:, : max(STEPS) - _FIRST + 1] for back in (1, 0))
        steer, press = read(reader, older.reshape(-1, 64, 64, 3), newer.reshape(-1, 64, 64, 3))
        found[name] = {
            "both": float(((steer == wheel) & (press == pedal)).mean()),
            "steering": balanced_accuracy(steer, wheel),
            "pedals": balanced_accuracy(press, pedal),
        }
    found["share"] = {part: found["dreamed"][part] / found["real"][part] for part in found["real"]}
    return found


def long_dreams(wish: Wish, tell: Tell) -> Figures:
    """Dreams of 1,000 pictures, driven by drivers that look at them: their sharpness at the end, and the road in them."""
    held = wish.held
    fit = held.fitting(1, odd=True)
    on = fit[on_road(held.frames[fit - 1])]
    places = np.sort(np.random.default_rng(wish.seed).choice(on, wish.dreams, replace=len(on) < wish.dreams))
    frames, actions = held.pieces(places, 0)
    dream = Dream(wish.weights, batch=wish.dreams, seed=wish.seed)
    dream.temperature = wish.temperature
    dream.begin_after(frames, actions[:, 1:])
    drivers = [LookingDriver() for _ in range(wish.dreams)]
    seen, under, pace, sharp = [], [], [], []
    pictures = frames[:, -1]
    for step in range(wish.long):
        tell("long dreams", step, wish.long)
        moves: Action = np.stack([driver.act(each) for driver, each in zip(drivers, pictures, strict=True)])
        pictures = dream.step(moves).reshape(-1, 64, 64, 3)
        seen.append(sees_road(pictures))
        under.append(on_road(pictures))
        pace.append(speed(pictures))
        sharp.append(sharpness(pictures))
    real = held.frames[sees_road(held.frames)]
    wanted = float(sharpness(real[:: len(real) // 500 or 1]).mean())
    return {
        "dreams": wish.dreams,
        "road": float(np.mean(seen)),
        "road_of_each": np.mean(seen, axis=0).tolist(),
        "road_under": float(np.mean(under)),
        "speed_m_s": float(np.mean(pace)),
        "sharpness": float(np.mean(sharp[-LAST:])),
        "sharpness_real": wanted,
        "sharpness_share": float(np.mean(sharp[-LAST:])) / wanted,
    }


def pace(wish: Wish, tell: Tell, count: int = 100) -> Figures:
    """Milliseconds that one picture takes on one core, p50: of the clock, and of the processor."""
    dream = Dream(wish.weights, seed=wish.seed)
    taken, used = [], []
    for number in range(count):
        tell("time per frame", number, count)
        began, busy = time.perf_counter(), time.process_time()
        dream.step((0.0, 0.3, 0.0))
        taken.append(time.perf_counter() - began)
        used.append(time.process_time() - busy)
    return {"pictures": count, "wall_ms": float(np.median(taken) * 1e3), "processor_ms": float(np.median(used) * 1e3)}
