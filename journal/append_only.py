"""What makes a table append-only: triggers by which the database itself refuses to change or delete a row."""

_REFUSAL = """CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' are append-only', ERRCODE = 'restrict_violation'; END $$"""


def append_only(table: str, dialect: str) -> list[str]:
    """The statements that make `table` append-only; `dialect` is "sqlite" or "postgresql"."""
    if dialect == "postgresql":
        trigger = (f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                   "FOR EACH STATEMENT EXECUTE FUNCTION append_only()")
        return [_REFUSAL, trigger]
    return [f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END" for action in ("UPDATE", "DELETE")]
