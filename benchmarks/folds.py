"""Folding a history: through `transitions`, as it would be done by hand, and by our table."""

from __future__ import annotations

import time
from collections.abc import Callable

from statemachine.events import StateChanged
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.machine import GATEKEEPER
