"""The store in memory: for tests and backtests, with the same places, the same hashes and the same refusals."""
