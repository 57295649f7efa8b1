"""Who acts, as events name them: by a word of ours, or by an opaque id. Who stands behind an id no event tells.

The words are `service`, `local` for whoever calls from its own machine, and, in a request, `operator` for whoever asked
through the service. A log of an earlier release names people as their certificates do; such a name stands for itself.
"""

from __future__ import annotations

import re

ACTOR_PREFIX = "actor_"
_ACTOR = re.compile(ACTOR_PREFIX + "[0-9a-f]{24}")


def is_actor(text: str) -> bool:
    """Say whether *text* is an opaque id.

    >>> is_actor("actor_0123456789abcdef01234567"), is_actor("local"), is_actor("actor_7")
    (True, False, False)
    """
    return _ACTOR.fullmatch(text) is not None
