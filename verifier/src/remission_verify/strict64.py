"""Base64 of which each value has one text, so that no flipped bit of a text goes unseen."""

from __future__ import annotations

import base64
import binascii


def encode64(data: bytes) -> str:
    """Return the text of *data*."""
    return base64.b64encode(data).decode()


def decode64(text: str) -> bytes:
    """Return what *text* stands for.

    Raises:
        ValueError: It is no base64, or another text is the one for these bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("is no base64") from error
    if encode64(data) != text:
        raise ValueError("is base64 with bits left over in its last character")
    return data
