"""Cuts what a refusal tells: a status travels in headers, of which clients take 8 KB and turn away more."""

#: Bytes of a sentence, which a status holds up to four times, and of a name in it.
LONGEST, LONGEST_NAME = 1_000, 400


def cut(text: str, most: int = LONGEST) -> str:
    """Leave out the middle of a text of more than *most* bytes: a refusal ends with what is accepted.

    >>> cut("abcdefghijkl", 9)
    'abc…jkl'
    """
    told = text.encode(errors="replace")
    if len(told) <= most:
        return text
    half = (most - len("…".encode())) // 2
    return f"{told[:half].decode(errors='ignore')}…{told[-half:].decode(errors='ignore')}"


def cut_name(text: str) -> str:
    """Leave out the middle of a name that is longer than names are."""
    return cut(text, LONGEST_NAME)
