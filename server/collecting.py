"""When Python looks for garbage that refers to itself, in a process that serves."""

import gc

#: New objects before they are looked through. What 256 callers wait with is thousands of them, all alive until their
#: commit: with Python's own 700 each batch is looked through several times, which costs a twentieth of its time.
NEW = 10_000


def collect_seldom() -> None:
    """Take what stands now for lasting, so that nobody looks at it, and look at what is new once it is much."""
    gc.freeze()
    gc.set_threshold(NEW, 10, 10)
    gc.enable()
