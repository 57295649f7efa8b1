"""How each fact changes a model's health, one file for each part of its life; `answers/` is the same for commands."""
