"""The language of policies: what can be asked for, within which bounds, and in which expressions."""
