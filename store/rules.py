"""Rules that every implementation of the store holds, wherever its rows are."""

from store.errors import FeedOutOfOrder, RequestIdReused
from store.records import FeedHead, FeedItem, Request

DAY_US = 86_400 * 1_000_000  #: of each the last checkpoint is kept


def first_answer(request: Request | None, payload_sha256: str) -> bytes | None:
    """Return the answer that a request got before; None when it is new.

    Raises:
        RequestIdReused: It came with another payload.
    """
    if request is None:
        return None
    if request.payload_sha256 != payload_sha256:
        raise RequestIdReused(request.request_id)
    return request.response


def next_item(head: FeedHead, item: FeedItem) -> None:
    """Let *item* pass if it follows *head*.

    Raises:
        FeedOutOfOrder: Its number is not the next, or its rows are not.
    """
    if item.seq != head.seq + 1 or (item.kind == "rows" and item.first_row != head.next_row):
        raise FeedOutOfOrder(item.stream, head.seq + 1, head.next_row)
