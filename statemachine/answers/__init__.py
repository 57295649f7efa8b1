"""What each command leads to, one file for each part of a model's life."""
