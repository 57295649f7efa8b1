"""The gRPC face of the service: messages to requests, views to messages, refusals to statuses.

Its face: a module of servicers for each service of the contract; `status.py`, the one table from refusals to statuses.
"""
