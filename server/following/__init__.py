"""Following: each entry of a feed is looked at once, in order, by a follower that is sent behind the commit.

Its face: `consequences.py` looks at what is new of one model; `followers.py` says who is sent to which model, and when.
"""
