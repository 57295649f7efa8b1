"""What Alembic runs for each command: the steps, on the connection that the caller has opened."""

from alembic import context

# The caller opens the connection and owns its transaction: this file reads no address and no settings.
context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
