"""Compare two snapshots with DuckDB: `python diff_with_duckdb.py OLD NEW`."""

import sys

import duckdb

database = duckdb.connect(config={"threads": 1})
for name, path in zip(("old", "new"), sys.argv[1:], strict=True):
    database.execute(
        f"""create table {name} as
        select json->>'$.kind' as kind, json->>'$.id' as id, md5(json::varchar) as digest
        from read_json_objects(?, format = 'newline_delimited', maximum_object_size = 17000000)
        where json->>'$.type' = 'resource' and json->>'$.kind' not in ('org.event', 'jira.audit_record')""",  # noqa: S608
        [path],
    )
told = database.execute(
    """select case when o.id is null then 'added' when n.id is null then 'removed' else 'changed' end,
              coalesce(o.kind, n.kind), coalesce(o.id, n.id)
       from old o full join new n on o.kind = n.kind and o.id = n.id
       where o.digest is distinct from n.digest"""
)
for row in told.fetchall():
    sys.stdout.write("\t".join(row) + "\n")
