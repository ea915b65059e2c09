"""The example's modules are imported as its runtime does: from the folder that holds its manifest."""

import sys
from pathlib import Path

RESTYLE = Path(__file__).resolve().parents[2] / "examples" / "restyle"
sys.path.insert(0, str(RESTYLE))
