"""Use cases, then transport, then wiring."""
