from server.clock import wall_us
from store import Store


def test_the_clock_of_the_database_is_told_where_it_may_be_another_ones(store: Store, url: str) -> None:
    before_us = wall_us()
    read = store.read(lambda reader: reader.clock_us())
    written = store.run(lambda unit: unit.clock_us())
    after_us = wall_us()

    if url.startswith("postgresql"):
        assert read is not None
        assert written is not None
        assert before_us <= read <= written <= after_us
    else:
        assert (read, written) == (None, None)


def test_the_clock_goes_on_within_one_snapshot(store: Store, url: str) -> None:
    first, second = store.read(lambda reader: (reader.clock_us(), reader.clock_us()))

    assert (first != second) == url.startswith("postgresql")
