"""Audit: whether the log is what it says: hashes computed again, histories folded again, decisions derived again.

Its face: `auditing.py` verifies models and explains decisions; `proving.py` holds the log against what was signed.
"""
