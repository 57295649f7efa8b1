"""The client of Remission, which watches models in production and brings them back to health."""

#: Where a server listens unless it is told otherwise.
DEFAULT_TARGET = "127.0.0.1:50061"
