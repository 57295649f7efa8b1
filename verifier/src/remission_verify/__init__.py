"""Checks what Remission has recorded, offline. It imports nothing of the service."""
