"""Says why a model got worse: ranked causes, or that it does not know."""
