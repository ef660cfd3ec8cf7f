# %% [markdown]
# # What do our conversations cost, and where do they hurt?
#
# Runs as a script, and cell by cell in an editor that knows `# %%`. It asks the running server, or
# opens the file when none runs: `python analysis.py [DATABASE]`.

# %%
import sys

import matplotlib

import otel_threads

matplotlib.use("agg")
from matplotlib import pyplot

db = otel_threads.connect(sys.argv[1] if len(sys.argv) > 1 else None)

# %% [markdown]
# ## An overview

# %%
overview = db.sql("""
    select count(*) as threads, sum(turn_count)::bigint as turns, sum(error_count)::bigint as errors,
        round(sum(cost_usd), 4) as cost_usd, sum(total_tokens)::bigint as tokens
    from threads
""")
for name, value in zip(overview.columns, overview.fetchone(), strict=True):
    print(f"{name:>10}  {value}")

# %% [markdown]
# ## Cost and tokens by model

# %%
by_model = db.sql("""
    select coalesce(model, 'unknown') as model, sum(call_count)::bigint as calls,
        coalesce(sum(input_tokens), 0)::bigint as input_tokens,
        coalesce(sum(output_tokens), 0)::bigint as output_tokens, sum(cost_usd) as cost_usd
    from daily_usage group by 1 order by calls desc
""").fetchall()
for row in by_model:
    print(row)

# %% [markdown]
# ## How long do people wait?

# %%
waits = [ms for (ms,) in db.sql("select duration_ms from turns order by 1").fetchall()]
slowest = db.sql(
    "select thread_id, turn_index, round(duration_ms) as ms from slow_turns order by duration_ms desc limit 5"
)
print(slowest.fetchall())

# %% [markdown]
# ## Where do tools fail?

# %%
print(
    db.sql(
        "select name, call_count, error_rate from tool_stats order by error_rate desc"
    ).fetchall()
)

# %%
figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
left.barh([row[0] for row in by_model], [row[2] for row in by_model], label="input")
left.barh(
    [row[0] for row in by_model],
    [row[3] for row in by_model],
    left=[row[2] for row in by_model],
    label="output",
)
left.set(title="tokens by model")
left.legend()
right.hist([ms / 1000 for ms in waits], bins=20)
right.set(title="seconds per turn", xlabel="s")
figure.tight_layout()
figure.savefig("analysis.png")
print("analysis.png")
db.close()
