from pyarrow import RecordBatchReader as RecordBatchReader
from pyarrow import Table as Table
