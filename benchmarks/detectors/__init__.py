"""Detectors of drift, measured: how often they cry wolf, how soon they see, and whether they keep their word."""
