"""How much is read of what others have written, before it is refused."""

from __future__ import annotations

#: Bytes of an entry of a log. Its length stands before it in two bytes (C2SP tlog-tiles).
MOST_ENTRY_BYTES = 65_535

#: Objects and lists inside each other. Envelopes have two.
MOST_DEPTH = 32

#: The largest integer that every reader of JSON keeps exactly (RFC 7493, section 2.2).
MOST_INTEGER = 2**53 - 1

#: The largest log, so that every place in it fits into 63 bits, as in other tools.
MOST_ENTRIES = 2**63 - 1

#: Bytes of a file that holds a note, a receipt or keys.
MOST_TEXT_BYTES = 1_000_000

#: Faults that are told one by one.
MOST_FAULTS = 1_000

#: Characters that are told of what was found where something else was expected.
MOST_SHOWN = 200
