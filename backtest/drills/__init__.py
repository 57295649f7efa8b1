"""Drills: something is planted in a stream whose truth is known, and the real service is watched while it copes."""
