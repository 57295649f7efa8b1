"""The schema of the database, one step at a time, written by hand."""
