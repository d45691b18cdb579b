"""Judge by the five policies in DuckDB: `python with_duckdb.py SNAPSHOT`."""

import sys
from pathlib import Path

import duckdb

program = Path(__file__).with_name("five.sql").read_text(encoding="utf-8")
database = duckdb.connect(config={"threads": 1})
*prepared, asked = duckdb.extract_statements(program)
for statement in prepared:
    database.execute(statement, {"snapshot": sys.argv[1]} if statement.named_parameters else None)
for (line,) in database.execute(asked).fetchall():
    sys.stdout.write(f"{line}\n")
