"""The whole service, run over recorded history on the clock of that history."""
