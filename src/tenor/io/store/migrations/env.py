"""Alembic's entry: run the migrations on the engine that :func:`tenor.io.store.database.open_store` hands over."""

from alembic import context
from sqlalchemy import text

from tenor.io.store.tables import tables

LOCK = 7_220_411
"""Number of the lock that keeps two servers that start at once from migrating one database together."""

with context.config.attributes["engine"].connect() as connection:
    postgres = connection.dialect.name == "postgresql"
    context.configure(connection=connection, target_metadata=tables, render_as_batch=True)
    with context.begin_transaction():
        if postgres:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.run_migrations()
    connection.commit()
