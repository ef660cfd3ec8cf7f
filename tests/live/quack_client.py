"""A DuckDB client, joined to a running otel-threads by Quack. Prints what each query gave, as JSON."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import duckdb_extension_quack

port, token, queries = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = duckdb.connect()
for package in (duckdb_extension_httpfs, duckdb_extension_quack):
    file = next(Path(package.__file__).parent.rglob("*.duckdb_extension"))
    client.execute(f"load '{file}'")
client.execute(f"create secret (type quack, token '{token}')")
client.execute("create table customers as select 'chat-1' as thread_id, 'Ada' as customer")
try:
    client.execute(f"attach 'quack:127.0.0.1:{port}' as live")
except duckdb.Error:
    pass  # with a wrong token; the queries say so
found = []
for query in queries:
    try:
        rows = client.execute(query.replace("URI", f"'quack:127.0.0.1:{port}'")).fetchall()
        found.append([list(map(str, row)) for row in rows])
    except duckdb.Error as error:
        found.append(str(error).splitlines()[0])
print(json.dumps(found))
