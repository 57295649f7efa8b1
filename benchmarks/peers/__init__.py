"""Other people's tools, each in an environment of its own: what ours is measured beside."""
