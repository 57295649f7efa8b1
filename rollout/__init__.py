"""How a candidate earns traffic: rungs, judge, assignment."""
