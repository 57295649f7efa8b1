"""Addresses of databases."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from store.errors import DatabaseUrlInvalid


def address_of(url: str) -> URL:
    """Read *url*.

    Raises:
        DatabaseUrlInvalid: It is no address.
    """
    try:
        return make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlInvalid(str(error)) from error
