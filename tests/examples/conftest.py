"""The examples' modules are imported as their runtime does: from the folder that holds their manifest."""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FOLDERS = ("restyle", "echo", "brightness", "typed", "typed/helios", "typed/lingbot", "worlds/car_racing")
sys.path[:0] = [str(EXAMPLES / name) for name in FOLDERS]
