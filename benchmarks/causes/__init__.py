"""Plants known causes in shuffled real streams, and asks the judge of diagnosis what happened."""
