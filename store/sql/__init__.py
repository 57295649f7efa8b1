"""The store in SQLite and PostgreSQL: SQL is written here and in migrations, nowhere else."""
