"""Every limit of what callers write: the bodies of REST and gRPC, and the services check these.

What senders of spans may send are settings (`core/config.py`); a name's length is `names.py`'s.
"""

from otel_threads import names

ITEMS_MAX = 1000  # scores, ids or tags of one call: each is a row of one transaction
METADATA_MAX, METADATA_LENGTH_MAX = 50, 1000  # keys of a score, and characters of each value
TAGS_MAX = 50  # of a thread or a trace
NAME_LENGTH_MAX = names.LENGTH_MAX  # of a project, score, category, tag, author, view
TEXT_LENGTH_MAX = 10_000  # of a comment, or of the reason of a score
ID_LENGTH_MAX = 1000  # of a thread id, as of those that spans bring
SCORE_VALUE_MAX = 1e300  # either side of 0: sums of as many as there are stay finite
TURN_INDEX_MAX = 1_000_000_000  # that a score may name
DEFINITIONS_MAX = 1000  # of scores, of a project
CATEGORIES_MAX = 100  # of a score
QUEUES_MAX = 1000  # of reviews, of a project
QUEUE_THREADS_MAX = 10_000  # the oldest that a filter matches
QUEUE_SCORES_MAX = 20  # that a reviewer gives each thread
REVIEWERS_MAX = 100  # of a thread
DATASETS_MAX = 1000  # and versions of each
DATASET_ITEMS_MAX = 100_000  # of a version
DATASET_PART_ITEMS_MAX = 10_000  # of a call; a version may come in several
DATASET_BYTES_MAX = 16 << 20  # of the messages that a filter copies, as JSON: as of a body
RESULTS_MAX = 1_000_000  # of a run
COMPARED_SCORES_MAX = 200
COMPARED_ITEMS_MAX = 1000
PATH_LENGTH_MAX = 500  # input_path and output_path of a project
FILTER_LENGTH_MAX = 10_000
SEARCH_LENGTH_MAX = 1000
VIEWS_MAX = 1000  # saved views of a project
COLUMNS_MAX = 100  # of a saved view
COOLDOWN_S_MAX = 1e9
RETENTION_DAYS_MAX = 1e6
SQL_LENGTH_MAX = 1 << 20
SQL_ROWS_MAX = 10_000_000  # that one call may name; sql_rows_max bounds what it gets
PRUNE_TRACES_MAX = 5000  # of a slice: a few hundred milliseconds in the deriver's thread
PRUNE_BYTES_MAX = 1 << 50
PAGE_ITEMS_MAX = 1000
PAGE_ITEMS_DEFAULT = 50
PROMPT_LENGTH_MAX = 20_000  # of a rule
CODE_LENGTH_MAX = 64_000
MODEL_LENGTH_MAX = 200
DESCRIPTION_LENGTH_MAX = 2000  # of an output of a rule
OUTPUTS_MAX = 20
CATEGORIES_MAX = 50
BUDGET_USD_MAX = 1e6
RULES_MAX = 100
DRY_RUN_THREADS_MAX = 10
BACKFILL_THREADS_MAX = 100_000
QUESTION_LENGTH_MAX = 2_000  # characters of a question in words
