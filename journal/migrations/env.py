"""How Alembic reaches the journal: over the connection it is given, in the transaction that is begun already."""

from alembic import context

from journal.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
