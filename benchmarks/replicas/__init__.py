"""Clients and followers of several replicas, some of which are killed or frozen, and a check of all that they saw."""
