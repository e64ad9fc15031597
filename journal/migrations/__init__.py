"""Migrations of the journal's schema, run by `journal.schema` with Alembic. May import journal.columns and append_only."""
