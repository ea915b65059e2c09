"""The guides' models are imported as their runtime does: from the folder that holds their manifest."""

import sys
from pathlib import Path

GUIDES = Path(__file__).resolve().parents[2] / "examples/guides"
sys.path[:0] = [str(GUIDES / name) for name in ("plain", "rover", "studio")]
