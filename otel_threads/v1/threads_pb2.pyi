import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from otel_threads.v1 import evaluations_pb2 as _evaluations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListThreadsRequest(_message.Message):
    __slots__ = ("project", "thread_id", "filter", "search", "status", "to", "sort", "limit", "cursor", "with_total")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    WITH_TOTAL_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    filter: str
    search: str
    status: str
    to: _timestamp_pb2.Timestamp
    sort: str
    limit: int
    cursor: str
    with_total: bool
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., filter: _Optional[str] = ..., search: _Optional[str] = ..., status: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sort: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., with_total: bool = ..., **kwargs) -> None: ...

class ThreadStatsRequest(_message.Message):
    __slots__ = ("project", "thread_id", "filter", "search", "status", "to", "interval")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    filter: str
    search: str
    status: str
    to: _timestamp_pb2.Timestamp
    interval: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., filter: _Optional[str] = ..., search: _Optional[str] = ..., status: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., interval: _Optional[str] = ..., **kwargs) -> None: ...

class ThreadRequest(_message.Message):
    __slots__ = ("project", "thread_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ...) -> None: ...

class ListTurnsRequest(_message.Message):
    __slots__ = ("project", "thread_id", "limit", "cursor")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    limit: int
    cursor: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListTracesRequest(_message.Message):
    __slots__ = ("project", "thread_id", "without_thread", "filter", "search", "to", "sort", "limit", "cursor", "with_total")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_THREAD_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    WITH_TOTAL_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    without_thread: bool
    filter: str
    search: str
    to: _timestamp_pb2.Timestamp
    sort: str
    limit: int
    cursor: str
    with_total: bool
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., without_thread: bool = ..., filter: _Optional[str] = ..., search: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sort: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., with_total: bool = ..., **kwargs) -> None: ...

class TraceRequest(_message.Message):
    __slots__ = ("project", "trace_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    trace_id: str
    def __init__(self, project: _Optional[str] = ..., trace_id: _Optional[str] = ...) -> None: ...

class ListScoresRequest(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "span_id", "name", "author", "source", "include_superseded", "limit", "cursor")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    span_id: str
    name: str
    author: str
    source: str
    include_superseded: bool
    limit: int
    cursor: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., name: _Optional[str] = ..., author: _Optional[str] = ..., source: _Optional[str] = ..., include_superseded: bool = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class UpdateCommentRequest(_message.Message):
    __slots__ = ("id", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CommentRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListCommentsRequest(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "limit", "cursor", "span_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    limit: int
    cursor: str
    span_id: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., span_id: _Optional[str] = ...) -> None: ...

class ExportThreadsRequest(_message.Message):
    __slots__ = ("project", "thread_id", "filter", "search", "status", "to", "format", "shape")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    filter: str
    search: str
    status: str
    to: _timestamp_pb2.Timestamp
    format: str
    shape: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., filter: _Optional[str] = ..., search: _Optional[str] = ..., status: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., format: _Optional[str] = ..., shape: _Optional[str] = ..., **kwargs) -> None: ...

class ExportBlock(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class WatchThreadsRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: str
    def __init__(self, project: _Optional[str] = ...) -> None: ...

class ThreadEvent(_message.Message):
    __slots__ = ("project", "thread_id", "thread", "view")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    thread: Thread
    view: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., thread: _Optional[_Union[Thread, _Mapping]] = ..., view: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "input_audio_tokens", "output_audio_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., input_audio_tokens: _Optional[int] = ..., output_audio_tokens: _Optional[int] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("name", "value", "category", "reason", "source", "author", "value_by_author", "created_at", "updated_at", "superseded_at", "project", "thread_id", "trace_id", "span_id", "reason_by_author", "turn_index", "metadata")
    class ValueByAuthorEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class ReasonByAuthorEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_BY_AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_AT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_BY_AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    category: str
    reason: str
    source: str
    author: str
    value_by_author: _containers.ScalarMap[str, float]
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    superseded_at: _timestamp_pb2.Timestamp
    project: str
    thread_id: str
    trace_id: str
    span_id: str
    reason_by_author: _containers.ScalarMap[str, str]
    turn_index: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., category: _Optional[str] = ..., reason: _Optional[str] = ..., source: _Optional[str] = ..., author: _Optional[str] = ..., value_by_author: _Optional[_Mapping[str, float]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., superseded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., reason_by_author: _Optional[_Mapping[str, str]] = ..., turn_index: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class TurnScores(_message.Message):
    __slots__ = ("count", "mean", "min", "max", "categories")
    class CategoriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    count: int
    mean: float
    min: float
    max: float
    categories: _containers.ScalarMap[str, int]
    def __init__(self, count: _Optional[int] = ..., mean: _Optional[float] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., categories: _Optional[_Mapping[str, int]] = ...) -> None: ...

class Thread(_message.Message):
    __slots__ = ("span_count", "error_count", "call_count", "first_message", "last_message", "models", "providers", "services", "users", "environments", "usage", "cost_usd", "cost_source", "cost_is_partial", "tags", "metadata", "scores", "comment_count", "thread_id_source", "created_at", "updated_at", "duration_ms", "turn_count", "project", "thread_id", "status", "first_activity_time", "last_activity_time", "trace_count", "message_count", "turn_scores", "last_error")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class TurnScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: TurnScores
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[TurnScores, _Mapping]] = ...) -> None: ...
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    COST_IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ACTIVITY_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ACTIVITY_TIME_FIELD_NUMBER: _ClassVar[int]
    TRACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TURN_SCORES_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    span_count: int
    error_count: int
    call_count: int
    first_message: str
    last_message: str
    models: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    environments: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    cost_usd: float
    cost_source: str
    cost_is_partial: bool
    tags: _containers.RepeatedScalarFieldContainer[str]
    metadata: _containers.ScalarMap[str, str]
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    comment_count: int
    thread_id_source: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    duration_ms: float
    turn_count: int
    project: str
    thread_id: str
    status: str
    first_activity_time: _timestamp_pb2.Timestamp
    last_activity_time: _timestamp_pb2.Timestamp
    trace_count: int
    message_count: int
    turn_scores: _containers.MessageMap[str, TurnScores]
    last_error: str
    def __init__(self, span_count: _Optional[int] = ..., error_count: _Optional[int] = ..., call_count: _Optional[int] = ..., first_message: _Optional[str] = ..., last_message: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., environments: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ..., cost_source: _Optional[str] = ..., cost_is_partial: bool = ..., tags: _Optional[_Iterable[str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., comment_count: _Optional[int] = ..., thread_id_source: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[float] = ..., turn_count: _Optional[int] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., status: _Optional[str] = ..., first_activity_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_activity_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trace_count: _Optional[int] = ..., message_count: _Optional[int] = ..., turn_scores: _Optional[_Mapping[str, TurnScores]] = ..., last_error: _Optional[str] = ...) -> None: ...

class Threads(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Thread]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Thread, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("type", "message")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class RequestedCall(_message.Message):
    __slots__ = ("id", "name", "arguments")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments: _struct_pb2.Value
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("role", "text", "parts", "tool_calls", "tool_call_id", "span_id")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    role: str
    text: str
    parts: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    tool_calls: _containers.RepeatedCompositeFieldContainer[RequestedCall]
    tool_call_id: str
    span_id: str
    def __init__(self, role: _Optional[str] = ..., text: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., tool_calls: _Optional[_Iterable[_Union[RequestedCall, _Mapping]]] = ..., tool_call_id: _Optional[str] = ..., span_id: _Optional[str] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("id", "name", "arguments", "result", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments: _struct_pb2.Value
    result: _struct_pb2.Value
    error: Error
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., result: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Turn(_message.Message):
    __slots__ = ("project", "thread_id", "turn_index", "trace_ids", "span_id", "name", "start_time", "end_time", "duration_ms", "time_to_first_token_ms", "user", "assistant", "system", "error", "messages", "tool_calls", "models", "providers", "usage", "cost_usd", "cost_source", "cost_is_partial", "call_count", "span_count", "message_count", "scores", "is_truncated")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    TRACE_IDS_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ASSISTANT_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    COST_IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    IS_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    turn_index: int
    trace_ids: _containers.RepeatedScalarFieldContainer[str]
    span_id: str
    name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    duration_ms: float
    time_to_first_token_ms: float
    user: str
    assistant: str
    system: str
    error: Error
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCall]
    models: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    cost_usd: float
    cost_source: str
    cost_is_partial: bool
    call_count: int
    span_count: int
    message_count: int
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    is_truncated: bool
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., turn_index: _Optional[int] = ..., trace_ids: _Optional[_Iterable[str]] = ..., span_id: _Optional[str] = ..., name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[float] = ..., time_to_first_token_ms: _Optional[float] = ..., user: _Optional[str] = ..., assistant: _Optional[str] = ..., system: _Optional[str] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCall, _Mapping]]] = ..., models: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ..., cost_source: _Optional[str] = ..., cost_is_partial: bool = ..., call_count: _Optional[int] = ..., span_count: _Optional[int] = ..., message_count: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., is_truncated: bool = ...) -> None: ...

class Turns(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Turn]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Turn, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class TranscriptMessage(_message.Message):
    __slots__ = ("role", "text", "parts", "tool_calls", "tool_call_id", "span_id", "turn_index")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    role: str
    text: str
    parts: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    tool_calls: _containers.RepeatedCompositeFieldContainer[RequestedCall]
    tool_call_id: str
    span_id: str
    turn_index: int
    def __init__(self, role: _Optional[str] = ..., text: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., tool_calls: _Optional[_Iterable[_Union[RequestedCall, _Mapping]]] = ..., tool_call_id: _Optional[str] = ..., span_id: _Optional[str] = ..., turn_index: _Optional[int] = ...) -> None: ...

class Transcript(_message.Message):
    __slots__ = ("project", "thread_id", "messages")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    messages: _containers.RepeatedCompositeFieldContainer[TranscriptMessage]
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., messages: _Optional[_Iterable[_Union[TranscriptMessage, _Mapping]]] = ...) -> None: ...

class Spread(_message.Message):
    __slots__ = ("p50", "p90", "p99", "avg", "max")
    P50_FIELD_NUMBER: _ClassVar[int]
    P90_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    AVG_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    p50: float
    p90: float
    p99: float
    avg: float
    max: float
    def __init__(self, p50: _Optional[float] = ..., p90: _Optional[float] = ..., p99: _Optional[float] = ..., avg: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class MeanUsage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "input_audio_tokens", "output_audio_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: float
    output_tokens: float
    total_tokens: float
    cache_read_tokens: float
    cache_write_tokens: float
    reasoning_tokens: float
    input_audio_tokens: float
    output_audio_tokens: float
    def __init__(self, input_tokens: _Optional[float] = ..., output_tokens: _Optional[float] = ..., total_tokens: _Optional[float] = ..., cache_read_tokens: _Optional[float] = ..., cache_write_tokens: _Optional[float] = ..., reasoning_tokens: _Optional[float] = ..., input_audio_tokens: _Optional[float] = ..., output_audio_tokens: _Optional[float] = ...) -> None: ...

class UsageStats(_message.Message):
    __slots__ = ("sum", "avg")
    SUM_FIELD_NUMBER: _ClassVar[int]
    AVG_FIELD_NUMBER: _ClassVar[int]
    sum: Usage
    avg: MeanUsage
    def __init__(self, sum: _Optional[_Union[Usage, _Mapping]] = ..., avg: _Optional[_Union[MeanUsage, _Mapping]] = ...) -> None: ...

class CostStats(_message.Message):
    __slots__ = ("sum", "avg")
    SUM_FIELD_NUMBER: _ClassVar[int]
    AVG_FIELD_NUMBER: _ClassVar[int]
    sum: float
    avg: float
    def __init__(self, sum: _Optional[float] = ..., avg: _Optional[float] = ...) -> None: ...

class ScoreStats(_message.Message):
    __slots__ = ("count", "avg", "min", "max", "categories")
    class CategoriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    count: int
    avg: float
    min: float
    max: float
    categories: _containers.ScalarMap[str, int]
    def __init__(self, count: _Optional[int] = ..., avg: _Optional[float] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., categories: _Optional[_Mapping[str, int]] = ...) -> None: ...

class ModelStats(_message.Message):
    __slots__ = ("call_count", "input_tokens", "output_tokens", "cost_usd")
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    call_count: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    def __init__(self, call_count: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class ThreadBucket(_message.Message):
    __slots__ = ("time", "turn_count", "error_count", "total_tokens", "cost_usd", "duration_ms_avg", "thread_count", "input_tokens", "output_tokens", "turn_duration_ms", "time_to_first_token_ms", "models", "scores")
    class ModelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ModelStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ModelStats, _Mapping]] = ...) -> None: ...
    class ScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ScoreStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ScoreStats, _Mapping]] = ...) -> None: ...
    TIME_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_AVG_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TURN_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    turn_count: int
    error_count: int
    total_tokens: int
    cost_usd: float
    duration_ms_avg: float
    thread_count: int
    input_tokens: int
    output_tokens: int
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    models: _containers.MessageMap[str, ModelStats]
    scores: _containers.MessageMap[str, ScoreStats]
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., turn_count: _Optional[int] = ..., error_count: _Optional[int] = ..., total_tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ..., duration_ms_avg: _Optional[float] = ..., thread_count: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., turn_duration_ms: _Optional[_Union[Spread, _Mapping]] = ..., time_to_first_token_ms: _Optional[_Union[Spread, _Mapping]] = ..., models: _Optional[_Mapping[str, ModelStats]] = ..., scores: _Optional[_Mapping[str, ScoreStats]] = ...) -> None: ...

class ThreadStats(_message.Message):
    __slots__ = ("turn_count", "trace_count", "span_count", "error_count", "error_rate", "duration_ms", "turn_duration_ms", "time_to_first_token_ms", "usage", "cost_usd", "scores", "models", "thread_count", "active_count", "turns_per_thread", "series", "turn_scores")
    class ScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ScoreStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ScoreStats, _Mapping]] = ...) -> None: ...
    class ModelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ModelStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ModelStats, _Mapping]] = ...) -> None: ...
    class TurnScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ScoreStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ScoreStats, _Mapping]] = ...) -> None: ...
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRACE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TURN_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TURNS_PER_THREAD_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    TURN_SCORES_FIELD_NUMBER: _ClassVar[int]
    turn_count: int
    trace_count: int
    span_count: int
    error_count: int
    error_rate: float
    duration_ms: Spread
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    usage: UsageStats
    cost_usd: CostStats
    scores: _containers.MessageMap[str, ScoreStats]
    models: _containers.MessageMap[str, ModelStats]
    thread_count: int
    active_count: int
    turns_per_thread: Spread
    series: _containers.RepeatedCompositeFieldContainer[ThreadBucket]
    turn_scores: _containers.MessageMap[str, ScoreStats]
    def __init__(self, turn_count: _Optional[int] = ..., trace_count: _Optional[int] = ..., span_count: _Optional[int] = ..., error_count: _Optional[int] = ..., error_rate: _Optional[float] = ..., duration_ms: _Optional[_Union[Spread, _Mapping]] = ..., turn_duration_ms: _Optional[_Union[Spread, _Mapping]] = ..., time_to_first_token_ms: _Optional[_Union[Spread, _Mapping]] = ..., usage: _Optional[_Union[UsageStats, _Mapping]] = ..., cost_usd: _Optional[_Union[CostStats, _Mapping]] = ..., scores: _Optional[_Mapping[str, ScoreStats]] = ..., models: _Optional[_Mapping[str, ModelStats]] = ..., thread_count: _Optional[int] = ..., active_count: _Optional[int] = ..., turns_per_thread: _Optional[_Union[Spread, _Mapping]] = ..., series: _Optional[_Iterable[_Union[ThreadBucket, _Mapping]]] = ..., turn_scores: _Optional[_Mapping[str, ScoreStats]] = ...) -> None: ...

class Updated(_message.Message):
    __slots__ = ("updated", "not_found")
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    updated: int
    not_found: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, updated: _Optional[int] = ..., not_found: _Optional[_Iterable[str]] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("span_count", "error_count", "call_count", "first_message", "last_message", "models", "providers", "services", "users", "environments", "usage", "cost_usd", "cost_source", "cost_is_partial", "tags", "metadata", "scores", "comment_count", "thread_id_source", "created_at", "updated_at", "duration_ms", "turn_count", "project", "trace_id", "thread_id", "thread_ids", "root_span_id", "name", "start_time", "end_time")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    COST_IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    ROOT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    span_count: int
    error_count: int
    call_count: int
    first_message: str
    last_message: str
    models: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    environments: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    cost_usd: float
    cost_source: str
    cost_is_partial: bool
    tags: _containers.RepeatedScalarFieldContainer[str]
    metadata: _containers.ScalarMap[str, str]
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    comment_count: int
    thread_id_source: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    duration_ms: float
    turn_count: int
    project: str
    trace_id: str
    thread_id: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    root_span_id: str
    name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, span_count: _Optional[int] = ..., error_count: _Optional[int] = ..., call_count: _Optional[int] = ..., first_message: _Optional[str] = ..., last_message: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., environments: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ..., cost_source: _Optional[str] = ..., cost_is_partial: bool = ..., tags: _Optional[_Iterable[str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., comment_count: _Optional[int] = ..., thread_id_source: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[float] = ..., turn_count: _Optional[int] = ..., project: _Optional[str] = ..., trace_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., root_span_id: _Optional[str] = ..., name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Traces(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Trace]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Trace, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class SpanEvent(_message.Message):
    __slots__ = ("name", "time_unix_nano", "attributes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    time_unix_nano: int
    attributes: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., time_unix_nano: _Optional[int] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SpanLink(_message.Message):
    __slots__ = ("trace_id", "span_id", "trace_state", "attributes")
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    span_id: str
    trace_state: str
    attributes: _struct_pb2.Struct
    def __init__(self, trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., trace_state: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SpanLog(_message.Message):
    __slots__ = ("event_name", "time", "body", "attributes")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    time: _timestamp_pb2.Timestamp
    body: _struct_pb2.Value
    attributes: _struct_pb2.Struct
    def __init__(self, event_name: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., body: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("project", "trace_id", "span_id", "parent_span_id", "depth", "name", "kind", "start_time", "start_time_unix_nano", "end_time_unix_nano", "duration_ms", "status_code", "status_message", "service_name", "scope_name", "scope_version", "trace_state", "flags", "received_at", "attributes", "resource_attributes", "scope_attributes", "events", "links", "logs", "scores", "dropped_attributes_count", "dropped_events_count", "dropped_links_count", "type", "model", "usage", "cost_usd", "time_to_first_token_ms")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    END_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_ATTRIBUTES_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_EVENTS_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_LINKS_COUNT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    project: str
    trace_id: str
    span_id: str
    parent_span_id: str
    depth: int
    name: str
    kind: str
    start_time: _timestamp_pb2.Timestamp
    start_time_unix_nano: int
    end_time_unix_nano: int
    duration_ms: float
    status_code: str
    status_message: str
    service_name: str
    scope_name: str
    scope_version: str
    trace_state: str
    flags: int
    received_at: _timestamp_pb2.Timestamp
    attributes: _struct_pb2.Struct
    resource_attributes: _struct_pb2.Struct
    scope_attributes: _struct_pb2.Struct
    events: _containers.RepeatedCompositeFieldContainer[SpanEvent]
    links: _containers.RepeatedCompositeFieldContainer[SpanLink]
    logs: _containers.RepeatedCompositeFieldContainer[SpanLog]
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    dropped_attributes_count: int
    dropped_events_count: int
    dropped_links_count: int
    type: str
    model: str
    usage: Usage
    cost_usd: float
    time_to_first_token_ms: float
    def __init__(self, project: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., parent_span_id: _Optional[str] = ..., depth: _Optional[int] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time_unix_nano: _Optional[int] = ..., end_time_unix_nano: _Optional[int] = ..., duration_ms: _Optional[float] = ..., status_code: _Optional[str] = ..., status_message: _Optional[str] = ..., service_name: _Optional[str] = ..., scope_name: _Optional[str] = ..., scope_version: _Optional[str] = ..., trace_state: _Optional[str] = ..., flags: _Optional[int] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., resource_attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., scope_attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., events: _Optional[_Iterable[_Union[SpanEvent, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[SpanLink, _Mapping]]] = ..., logs: _Optional[_Iterable[_Union[SpanLog, _Mapping]]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., dropped_attributes_count: _Optional[int] = ..., dropped_events_count: _Optional[int] = ..., dropped_links_count: _Optional[int] = ..., type: _Optional[str] = ..., model: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ..., time_to_first_token_ms: _Optional[float] = ...) -> None: ...

class TraceDetail(_message.Message):
    __slots__ = ("span_count", "error_count", "call_count", "first_message", "last_message", "models", "providers", "services", "users", "environments", "usage", "cost_usd", "cost_source", "cost_is_partial", "tags", "metadata", "scores", "comment_count", "thread_id_source", "created_at", "updated_at", "duration_ms", "turn_count", "project", "trace_id", "thread_id", "thread_ids", "root_span_id", "name", "start_time", "end_time", "spans", "turns")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SPAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    COST_IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    ROOT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    span_count: int
    error_count: int
    call_count: int
    first_message: str
    last_message: str
    models: _containers.RepeatedScalarFieldContainer[str]
    providers: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    environments: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    cost_usd: float
    cost_source: str
    cost_is_partial: bool
    tags: _containers.RepeatedScalarFieldContainer[str]
    metadata: _containers.ScalarMap[str, str]
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    comment_count: int
    thread_id_source: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    duration_ms: float
    turn_count: int
    project: str
    trace_id: str
    thread_id: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    root_span_id: str
    name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    turns: _containers.RepeatedCompositeFieldContainer[Turn]
    def __init__(self, span_count: _Optional[int] = ..., error_count: _Optional[int] = ..., call_count: _Optional[int] = ..., first_message: _Optional[str] = ..., last_message: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., providers: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., environments: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ..., cost_source: _Optional[str] = ..., cost_is_partial: bool = ..., tags: _Optional[_Iterable[str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., comment_count: _Optional[int] = ..., thread_id_source: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[float] = ..., turn_count: _Optional[int] = ..., project: _Optional[str] = ..., trace_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., root_span_id: _Optional[str] = ..., name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ..., turns: _Optional[_Iterable[_Union[Turn, _Mapping]]] = ...) -> None: ...

class Scores(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Score]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class Comment(_message.Message):
    __slots__ = ("id", "project", "thread_id", "trace_id", "text", "author", "created_at", "updated_at", "span_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    project: str
    thread_id: str
    trace_id: str
    text: str
    author: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    span_id: str
    def __init__(self, id: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., text: _Optional[str] = ..., author: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., span_id: _Optional[str] = ...) -> None: ...

class Comments(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Comment]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class Written(_message.Message):
    __slots__ = ("written", "unknown")
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    written: int
    unknown: _containers.RepeatedCompositeFieldContainer[UnknownTarget]
    def __init__(self, written: _Optional[int] = ..., unknown: _Optional[_Iterable[_Union[UnknownTarget, _Mapping]]] = ...) -> None: ...

class UnknownTarget(_message.Message):
    __slots__ = ("index", "thread_id", "trace_id", "span_id", "turn_index", "hint")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    index: int
    thread_id: str
    trace_id: str
    span_id: str
    turn_index: int
    hint: str
    def __init__(self, index: _Optional[int] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., turn_index: _Optional[int] = ..., hint: _Optional[str] = ...) -> None: ...

class Deleted(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    def __init__(self, deleted: _Optional[int] = ...) -> None: ...

class NewScore(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "span_id", "name", "value", "category", "reason", "source", "author", "turn_index", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    span_id: str
    name: str
    value: float
    category: str
    reason: str
    source: str
    author: str
    turn_index: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[float] = ..., category: _Optional[str] = ..., reason: _Optional[str] = ..., source: _Optional[str] = ..., author: _Optional[str] = ..., turn_index: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class NewScores(_message.Message):
    __slots__ = ("scores", "check_definitions")
    SCORES_FIELD_NUMBER: _ClassVar[int]
    CHECK_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedCompositeFieldContainer[NewScore]
    check_definitions: bool
    def __init__(self, scores: _Optional[_Iterable[_Union[NewScore, _Mapping]]] = ..., check_definitions: bool = ...) -> None: ...

class ScoreTarget(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "span_id", "name", "author", "turn_index")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    span_id: str
    name: str
    author: str
    turn_index: int
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., name: _Optional[str] = ..., author: _Optional[str] = ..., turn_index: _Optional[int] = ...) -> None: ...

class ScoreTargets(_message.Message):
    __slots__ = ("scores",)
    SCORES_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedCompositeFieldContainer[ScoreTarget]
    def __init__(self, scores: _Optional[_Iterable[_Union[ScoreTarget, _Mapping]]] = ...) -> None: ...

class ThreadIds(_message.Message):
    __slots__ = ("project", "thread_ids")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, project: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TagChange(_message.Message):
    __slots__ = ("project", "thread_ids", "trace_ids", "add", "remove")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    TRACE_IDS_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    trace_ids: _containers.RepeatedScalarFieldContainer[str]
    add: _containers.RepeatedScalarFieldContainer[str]
    remove: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, project: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., trace_ids: _Optional[_Iterable[str]] = ..., add: _Optional[_Iterable[str]] = ..., remove: _Optional[_Iterable[str]] = ...) -> None: ...

class NewComment(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "text", "author", "span_id")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    text: str
    author: str
    span_id: str
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., text: _Optional[str] = ..., author: _Optional[str] = ..., span_id: _Optional[str] = ...) -> None: ...

class ListSpansRequest(_message.Message):
    __slots__ = ("project", "thread_id", "trace_id", "filter", "search", "to", "sort", "limit", "cursor", "with_total")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    WITH_TOTAL_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    trace_id: str
    filter: str
    search: str
    to: _timestamp_pb2.Timestamp
    sort: str
    limit: int
    cursor: str
    with_total: bool
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., filter: _Optional[str] = ..., search: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sort: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., with_total: bool = ..., **kwargs) -> None: ...

class SpanLine(_message.Message):
    __slots__ = ("project", "trace_id", "span_id", "parent_span_id", "thread_id", "name", "kind", "type", "status_code", "status_message", "service_name", "scope_name", "model", "start_time", "duration_ms", "time_to_first_token_ms", "usage", "cost_usd")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    project: str
    trace_id: str
    span_id: str
    parent_span_id: str
    thread_id: str
    name: str
    kind: str
    type: str
    status_code: str
    status_message: str
    service_name: str
    scope_name: str
    model: str
    start_time: _timestamp_pb2.Timestamp
    duration_ms: float
    time_to_first_token_ms: float
    usage: Usage
    cost_usd: float
    def __init__(self, project: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., parent_span_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., type: _Optional[str] = ..., status_code: _Optional[str] = ..., status_message: _Optional[str] = ..., service_name: _Optional[str] = ..., scope_name: _Optional[str] = ..., model: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[float] = ..., time_to_first_token_ms: _Optional[float] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class SpanLines(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[SpanLine]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[SpanLine, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListIssuesRequest(_message.Message):
    __slots__ = ("project", "state", "threads_min", "limit")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    THREADS_MIN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    project: str
    state: str
    threads_min: int
    limit: int
    def __init__(self, project: _Optional[str] = ..., state: _Optional[str] = ..., threads_min: _Optional[int] = ..., limit: _Optional[int] = ..., **kwargs) -> None: ...

class DayCount(_message.Message):
    __slots__ = ("day", "turn_count")
    DAY_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    day: str
    turn_count: int
    def __init__(self, day: _Optional[str] = ..., turn_count: _Optional[int] = ...) -> None: ...

class Issue(_message.Message):
    __slots__ = ("issue_id", "project", "kind", "title", "name", "state", "is_reopened", "closed_at", "first_seen_time", "last_seen_time", "thread_count", "turn_count", "thread_ids", "filter", "trend")
    ISSUE_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IS_REOPENED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    issue_id: str
    project: str
    kind: str
    title: str
    name: str
    state: str
    is_reopened: bool
    closed_at: _timestamp_pb2.Timestamp
    first_seen_time: _timestamp_pb2.Timestamp
    last_seen_time: _timestamp_pb2.Timestamp
    thread_count: int
    turn_count: int
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    filter: str
    trend: _containers.RepeatedCompositeFieldContainer[DayCount]
    def __init__(self, issue_id: _Optional[str] = ..., project: _Optional[str] = ..., kind: _Optional[str] = ..., title: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., is_reopened: bool = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., first_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., thread_count: _Optional[int] = ..., turn_count: _Optional[int] = ..., thread_ids: _Optional[_Iterable[str]] = ..., filter: _Optional[str] = ..., trend: _Optional[_Iterable[_Union[DayCount, _Mapping]]] = ...) -> None: ...

class Issues(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Issue]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Issue, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class IssueIds(_message.Message):
    __slots__ = ("project", "issue_ids")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    ISSUE_IDS_FIELD_NUMBER: _ClassVar[int]
    project: str
    issue_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, project: _Optional[str] = ..., issue_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Question(_message.Message):
    __slots__ = ("question", "project", "thread_id")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    question: str
    project: str
    thread_id: str
    def __init__(self, question: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("thread_id", "turn_index", "quote")
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    TURN_INDEX_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    thread_id: str
    turn_index: int
    quote: str
    def __init__(self, thread_id: _Optional[str] = ..., turn_index: _Optional[int] = ..., quote: _Optional[str] = ...) -> None: ...

class AskAnswer(_message.Message):
    __slots__ = ("filter", "sql", "answer", "evidence", "cost_usd", "model")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    filter: str
    sql: str
    answer: str
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    cost_usd: float
    model: str
    def __init__(self, filter: _Optional[str] = ..., sql: _Optional[str] = ..., answer: _Optional[str] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., cost_usd: _Optional[float] = ..., model: _Optional[str] = ...) -> None: ...
