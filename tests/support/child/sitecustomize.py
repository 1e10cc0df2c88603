"""Python runs this at the start of every process that a test starts: the network guard goes with it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import network_guard

network_guard.install()
