"""The memory: one SQLite file through apsw. SQL and files live here; rules about who may do what do not."""
