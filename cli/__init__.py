"""The `remission` command."""
