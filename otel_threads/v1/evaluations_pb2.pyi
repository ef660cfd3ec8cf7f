import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListScoreDefinitionsRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: str
    def __init__(self, project: _Optional[str] = ...) -> None: ...

class ScoreDefinitionRequest(_message.Message):
    __slots__ = ("project", "name")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    project: str
    name: str
    def __init__(self, project: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ScoreCategory(_message.Message):
    __slots__ = ("label", "value")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    label: str
    value: float
    def __init__(self, label: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class NewScoreDefinition(_message.Message):
    __slots__ = ("name", "project", "kind", "min", "max", "categories", "description", "better")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BETTER_FIELD_NUMBER: _ClassVar[int]
    name: str
    project: str
    kind: str
    min: float
    max: float
    categories: _containers.RepeatedCompositeFieldContainer[ScoreCategory]
    description: str
    better: str
    def __init__(self, name: _Optional[str] = ..., project: _Optional[str] = ..., kind: _Optional[str] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., categories: _Optional[_Iterable[_Union[ScoreCategory, _Mapping]]] = ..., description: _Optional[str] = ..., better: _Optional[str] = ...) -> None: ...

class ScoreDefinition(_message.Message):
    __slots__ = ("name", "project", "kind", "min", "max", "categories", "description", "better", "created_at", "updated_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BETTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    project: str
    kind: str
    min: float
    max: float
    categories: _containers.RepeatedCompositeFieldContainer[ScoreCategory]
    description: str
    better: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., project: _Optional[str] = ..., kind: _Optional[str] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., categories: _Optional[_Iterable[_Union[ScoreCategory, _Mapping]]] = ..., description: _Optional[str] = ..., better: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ScoreDefinitions(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ScoreDefinition]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[ScoreDefinition, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListReviewQueuesRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: str
    def __init__(self, project: _Optional[str] = ...) -> None: ...

class ReviewQueueRequest(_message.Message):
    __slots__ = ("queue_id",)
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    def __init__(self, queue_id: _Optional[str] = ...) -> None: ...

class NewReviewQueue(_message.Message):
    __slots__ = ("name", "project", "filter", "thread_ids", "score_names", "reviewers_per_thread", "instructions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    SCORE_NAMES_FIELD_NUMBER: _ClassVar[int]
    REVIEWERS_PER_THREAD_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    project: str
    filter: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    score_names: _containers.RepeatedScalarFieldContainer[str]
    reviewers_per_thread: int
    instructions: str
    def __init__(self, name: _Optional[str] = ..., project: _Optional[str] = ..., filter: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., score_names: _Optional[_Iterable[str]] = ..., reviewers_per_thread: _Optional[int] = ..., instructions: _Optional[str] = ...) -> None: ...

class UpdateReviewQueueRequest(_message.Message):
    __slots__ = ("queue_id", "name", "filter", "thread_ids", "score_names", "reviewers_per_thread", "instructions")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    SCORE_NAMES_FIELD_NUMBER: _ClassVar[int]
    REVIEWERS_PER_THREAD_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    name: str
    filter: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    score_names: _containers.RepeatedScalarFieldContainer[str]
    reviewers_per_thread: int
    instructions: str
    def __init__(self, queue_id: _Optional[str] = ..., name: _Optional[str] = ..., filter: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., score_names: _Optional[_Iterable[str]] = ..., reviewers_per_thread: _Optional[int] = ..., instructions: _Optional[str] = ...) -> None: ...

class ReviewQueue(_message.Message):
    __slots__ = ("queue_id", "name", "project", "filter", "thread_ids", "score_names", "reviewers_per_thread", "instructions", "created_at", "updated_at", "done_count", "total_count")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THREAD_IDS_FIELD_NUMBER: _ClassVar[int]
    SCORE_NAMES_FIELD_NUMBER: _ClassVar[int]
    REVIEWERS_PER_THREAD_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    name: str
    project: str
    filter: str
    thread_ids: _containers.RepeatedScalarFieldContainer[str]
    score_names: _containers.RepeatedScalarFieldContainer[str]
    reviewers_per_thread: int
    instructions: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    done_count: int
    total_count: int
    def __init__(self, queue_id: _Optional[str] = ..., name: _Optional[str] = ..., project: _Optional[str] = ..., filter: _Optional[str] = ..., thread_ids: _Optional[_Iterable[str]] = ..., score_names: _Optional[_Iterable[str]] = ..., reviewers_per_thread: _Optional[int] = ..., instructions: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., done_count: _Optional[int] = ..., total_count: _Optional[int] = ...) -> None: ...

class ReviewQueues(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ReviewQueue]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[ReviewQueue, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class NextReviewRequest(_message.Message):
    __slots__ = ("queue_id", "reviewer")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    reviewer: str
    def __init__(self, queue_id: _Optional[str] = ..., reviewer: _Optional[str] = ...) -> None: ...

class NextReview(_message.Message):
    __slots__ = ("queue_id", "project", "thread_id", "locked_until", "own_done_count", "done_count", "total_count")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    LOCKED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    OWN_DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    project: str
    thread_id: str
    locked_until: _timestamp_pb2.Timestamp
    own_done_count: int
    done_count: int
    total_count: int
    def __init__(self, queue_id: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., locked_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., own_done_count: _Optional[int] = ..., done_count: _Optional[int] = ..., total_count: _Optional[int] = ...) -> None: ...

class FinishReviewRequest(_message.Message):
    __slots__ = ("queue_id", "thread_id", "reviewer")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    thread_id: str
    reviewer: str
    def __init__(self, queue_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., reviewer: _Optional[str] = ...) -> None: ...

class ReviewProgress(_message.Message):
    __slots__ = ("done_count", "total_count")
    DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    done_count: int
    total_count: int
    def __init__(self, done_count: _Optional[int] = ..., total_count: _Optional[int] = ...) -> None: ...

class ScoreAgreement(_message.Message):
    __slots__ = ("name", "kind", "alpha", "agreement", "thread_count", "reviewer_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    alpha: float
    agreement: float
    thread_count: int
    reviewer_count: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., alpha: _Optional[float] = ..., agreement: _Optional[float] = ..., thread_count: _Optional[int] = ..., reviewer_count: _Optional[int] = ...) -> None: ...

class Agreement(_message.Message):
    __slots__ = ("queue_id", "items", "next_cursor")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    items: _containers.RepeatedCompositeFieldContainer[ScoreAgreement]
    next_cursor: str
    def __init__(self, queue_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ScoreAgreement, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ListDatasetsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DatasetRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class DeleteDatasetRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class NewDatasetItem(_message.Message):
    __slots__ = ("messages", "item_id", "thread_id", "project", "expected", "scenario", "metadata")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    item_id: str
    thread_id: str
    project: str
    expected: _struct_pb2.Value
    scenario: str
    metadata: _struct_pb2.Struct
    def __init__(self, messages: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., item_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., project: _Optional[str] = ..., expected: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., scenario: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class NewDataset(_message.Message):
    __slots__ = ("name", "items", "project", "filter", "limit", "imported_from", "author", "version", "is_complete")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FROM_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    IS_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[NewDatasetItem]
    project: str
    filter: str
    limit: int
    imported_from: str
    author: str
    version: int
    is_complete: bool
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[NewDatasetItem, _Mapping]]] = ..., project: _Optional[str] = ..., filter: _Optional[str] = ..., limit: _Optional[int] = ..., imported_from: _Optional[str] = ..., author: _Optional[str] = ..., version: _Optional[int] = ..., is_complete: bool = ...) -> None: ...

class Dataset(_message.Message):
    __slots__ = ("name", "version", "item_count", "source", "created_at", "author", "is_complete")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    IS_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    item_count: int
    source: _struct_pb2.Struct
    created_at: _timestamp_pb2.Timestamp
    author: str
    is_complete: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., item_count: _Optional[int] = ..., source: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ..., is_complete: bool = ...) -> None: ...

class Datasets(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Dataset]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Dataset, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListDatasetItemsRequest(_message.Message):
    __slots__ = ("name", "version", "limit", "cursor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    limit: int
    cursor: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class DatasetItem(_message.Message):
    __slots__ = ("item_id", "project", "thread_id", "messages", "expected", "scenario", "metadata")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    project: str
    thread_id: str
    messages: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    expected: _struct_pb2.Value
    scenario: str
    metadata: _struct_pb2.Struct
    def __init__(self, item_id: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., messages: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., expected: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., scenario: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DatasetItems(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[DatasetItem]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[DatasetItem, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListEvaluationsRequest(_message.Message):
    __slots__ = ("project", "name", "limit", "cursor")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    project: str
    name: str
    limit: int
    cursor: str
    def __init__(self, project: _Optional[str] = ..., name: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class EvaluationRequest(_message.Message):
    __slots__ = ("evaluation_id",)
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    def __init__(self, evaluation_id: _Optional[str] = ...) -> None: ...

class Scorer(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class NewEvaluation(_message.Message):
    __slots__ = ("name", "project", "dataset", "dataset_version", "filter", "scorers", "metadata", "item_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    DATASET_VERSION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SCORERS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    project: str
    dataset: str
    dataset_version: int
    filter: str
    scorers: _containers.RepeatedCompositeFieldContainer[Scorer]
    metadata: _struct_pb2.Struct
    item_count: int
    def __init__(self, name: _Optional[str] = ..., project: _Optional[str] = ..., dataset: _Optional[str] = ..., dataset_version: _Optional[int] = ..., filter: _Optional[str] = ..., scorers: _Optional[_Iterable[_Union[Scorer, _Mapping]]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., item_count: _Optional[int] = ...) -> None: ...

class UpdateEvaluationRequest(_message.Message):
    __slots__ = ("evaluation_id", "finished", "item_count")
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    finished: bool
    item_count: int
    def __init__(self, evaluation_id: _Optional[str] = ..., finished: bool = ..., item_count: _Optional[int] = ...) -> None: ...

class EvaluationCounts(_message.Message):
    __slots__ = ("items", "scored", "failed")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SCORED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    items: int
    scored: int
    failed: int
    def __init__(self, items: _Optional[int] = ..., scored: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class EvaluationScore(_message.Message):
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

class Evaluation(_message.Message):
    __slots__ = ("evaluation_id", "name", "project", "dataset", "dataset_version", "filter", "scorers", "metadata", "started_at", "finished_at", "counts", "scores", "cost_usd")
    class ScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: EvaluationScore
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[EvaluationScore, _Mapping]] = ...) -> None: ...
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    DATASET_VERSION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SCORERS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    name: str
    project: str
    dataset: str
    dataset_version: int
    filter: str
    scorers: _containers.RepeatedCompositeFieldContainer[Scorer]
    metadata: _struct_pb2.Struct
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    counts: EvaluationCounts
    scores: _containers.MessageMap[str, EvaluationScore]
    cost_usd: float
    def __init__(self, evaluation_id: _Optional[str] = ..., name: _Optional[str] = ..., project: _Optional[str] = ..., dataset: _Optional[str] = ..., dataset_version: _Optional[int] = ..., filter: _Optional[str] = ..., scorers: _Optional[_Iterable[_Union[Scorer, _Mapping]]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., counts: _Optional[_Union[EvaluationCounts, _Mapping]] = ..., scores: _Optional[_Mapping[str, EvaluationScore]] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class EvaluationRuns(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Evaluation]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Evaluation, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListResultsRequest(_message.Message):
    __slots__ = ("evaluation_id", "item_id", "name", "failed", "limit", "cursor")
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    item_id: str
    name: str
    failed: bool
    limit: int
    cursor: str
    def __init__(self, evaluation_id: _Optional[str] = ..., item_id: _Optional[str] = ..., name: _Optional[str] = ..., failed: bool = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class NewResult(_message.Message):
    __slots__ = ("item_id", "scorer", "thread_id", "project", "name", "value", "category", "reason", "error", "duration_ms", "cost_usd")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SCORER_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    scorer: str
    thread_id: str
    project: str
    name: str
    value: float
    category: str
    reason: str
    error: str
    duration_ms: float
    cost_usd: float
    def __init__(self, item_id: _Optional[str] = ..., scorer: _Optional[str] = ..., thread_id: _Optional[str] = ..., project: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[float] = ..., category: _Optional[str] = ..., reason: _Optional[str] = ..., error: _Optional[str] = ..., duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class PutResultsRequest(_message.Message):
    __slots__ = ("evaluation_id", "results")
    EVALUATION_ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    evaluation_id: str
    results: _containers.RepeatedCompositeFieldContainer[NewResult]
    def __init__(self, evaluation_id: _Optional[str] = ..., results: _Optional[_Iterable[_Union[NewResult, _Mapping]]] = ...) -> None: ...

class EvaluationResult(_message.Message):
    __slots__ = ("item_id", "project", "thread_id", "scorer", "name", "value", "category", "reason", "error", "duration_ms", "cost_usd", "created_at")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    SCORER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    project: str
    thread_id: str
    scorer: str
    name: str
    value: float
    category: str
    reason: str
    error: str
    duration_ms: float
    cost_usd: float
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, item_id: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., scorer: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[float] = ..., category: _Optional[str] = ..., reason: _Optional[str] = ..., error: _Optional[str] = ..., duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EvaluationResults(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[EvaluationResult]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[EvaluationResult, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class CompareEvaluationsRequest(_message.Message):
    __slots__ = ("base", "candidate", "name", "limit")
    BASE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    base: str
    candidate: str
    name: str
    limit: int
    def __init__(self, base: _Optional[str] = ..., candidate: _Optional[str] = ..., name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ScoreComparison(_message.Message):
    __slots__ = ("base_mean", "candidate_mean", "difference", "confidence_interval", "p_value", "pair_count", "better_count", "worse_count", "test", "better")
    BASE_MEAN_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_MEAN_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
    BETTER_COUNT_FIELD_NUMBER: _ClassVar[int]
    WORSE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    BETTER_FIELD_NUMBER: _ClassVar[int]
    base_mean: float
    candidate_mean: float
    difference: float
    confidence_interval: _containers.RepeatedScalarFieldContainer[float]
    p_value: float
    pair_count: int
    better_count: int
    worse_count: int
    test: str
    better: str
    def __init__(self, base_mean: _Optional[float] = ..., candidate_mean: _Optional[float] = ..., difference: _Optional[float] = ..., confidence_interval: _Optional[_Iterable[float]] = ..., p_value: _Optional[float] = ..., pair_count: _Optional[int] = ..., better_count: _Optional[int] = ..., worse_count: _Optional[int] = ..., test: _Optional[str] = ..., better: _Optional[str] = ...) -> None: ...

class ItemComparison(_message.Message):
    __slots__ = ("item_id", "project", "thread_id", "name", "base", "candidate", "difference", "loss")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    project: str
    thread_id: str
    name: str
    base: float
    candidate: float
    difference: float
    loss: float
    def __init__(self, item_id: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ..., name: _Optional[str] = ..., base: _Optional[float] = ..., candidate: _Optional[float] = ..., difference: _Optional[float] = ..., loss: _Optional[float] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("base", "candidate", "scores", "items", "only_in_base", "only_in_candidate")
    class ScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ScoreComparison
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ScoreComparison, _Mapping]] = ...) -> None: ...
    BASE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ONLY_IN_BASE_FIELD_NUMBER: _ClassVar[int]
    ONLY_IN_CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    base: Evaluation
    candidate: Evaluation
    scores: _containers.MessageMap[str, ScoreComparison]
    items: _containers.RepeatedCompositeFieldContainer[ItemComparison]
    only_in_base: int
    only_in_candidate: int
    def __init__(self, base: _Optional[_Union[Evaluation, _Mapping]] = ..., candidate: _Optional[_Union[Evaluation, _Mapping]] = ..., scores: _Optional[_Mapping[str, ScoreComparison]] = ..., items: _Optional[_Iterable[_Union[ItemComparison, _Mapping]]] = ..., only_in_base: _Optional[int] = ..., only_in_candidate: _Optional[int] = ...) -> None: ...

class ListRulesRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: str
    def __init__(self, project: _Optional[str] = ...) -> None: ...

class RuleRequest(_message.Message):
    __slots__ = ("rule_id",)
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    def __init__(self, rule_id: _Optional[str] = ...) -> None: ...

class RuleOutput(_message.Message):
    __slots__ = ("name", "kind", "description", "categories", "min", "max")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    description: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    min: float
    max: float
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., description: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class PromptMessage(_message.Message):
    __slots__ = ("role", "content")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    role: str
    content: str
    def __init__(self, role: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class NewRule(_message.Message):
    __slots__ = ("name", "kind", "project", "target", "is_enabled", "filter", "filter_time", "sampling_rate", "budget_usd_per_day", "model", "temperature", "prompt", "prompt_messages", "context", "outputs", "code", "builtin", "author")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    IS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_RATE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_USD_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    project: str
    target: str
    is_enabled: bool
    filter: str
    filter_time: str
    sampling_rate: float
    budget_usd_per_day: float
    model: str
    temperature: float
    prompt: str
    prompt_messages: _containers.RepeatedCompositeFieldContainer[PromptMessage]
    context: str
    outputs: _containers.RepeatedCompositeFieldContainer[RuleOutput]
    code: str
    builtin: str
    author: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., project: _Optional[str] = ..., target: _Optional[str] = ..., is_enabled: bool = ..., filter: _Optional[str] = ..., filter_time: _Optional[str] = ..., sampling_rate: _Optional[float] = ..., budget_usd_per_day: _Optional[float] = ..., model: _Optional[str] = ..., temperature: _Optional[float] = ..., prompt: _Optional[str] = ..., prompt_messages: _Optional[_Iterable[_Union[PromptMessage, _Mapping]]] = ..., context: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[RuleOutput, _Mapping]]] = ..., code: _Optional[str] = ..., builtin: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class RuleChange(_message.Message):
    __slots__ = ("name", "kind", "project", "target", "is_enabled", "filter", "filter_time", "sampling_rate", "budget_usd_per_day", "model", "temperature", "prompt", "prompt_messages", "context", "outputs", "code", "builtin", "author")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    IS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_RATE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_USD_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    project: str
    target: str
    is_enabled: bool
    filter: str
    filter_time: str
    sampling_rate: float
    budget_usd_per_day: float
    model: str
    temperature: float
    prompt: str
    prompt_messages: _containers.RepeatedCompositeFieldContainer[PromptMessage]
    context: str
    outputs: _containers.RepeatedCompositeFieldContainer[RuleOutput]
    code: str
    builtin: str
    author: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., project: _Optional[str] = ..., target: _Optional[str] = ..., is_enabled: bool = ..., filter: _Optional[str] = ..., filter_time: _Optional[str] = ..., sampling_rate: _Optional[float] = ..., budget_usd_per_day: _Optional[float] = ..., model: _Optional[str] = ..., temperature: _Optional[float] = ..., prompt: _Optional[str] = ..., prompt_messages: _Optional[_Iterable[_Union[PromptMessage, _Mapping]]] = ..., context: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[RuleOutput, _Mapping]]] = ..., code: _Optional[str] = ..., builtin: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class UpdateRuleRequest(_message.Message):
    __slots__ = ("rule_id", "changes", "null_fields")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NULL_FIELDS_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    changes: RuleChange
    null_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rule_id: _Optional[str] = ..., changes: _Optional[_Union[RuleChange, _Mapping]] = ..., null_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("rule_id", "version", "name", "project", "kind", "target", "is_enabled", "filter", "filter_time", "sampling_rate", "budget_usd_per_day", "model", "temperature", "prompt", "prompt_messages", "context", "outputs", "code", "builtin", "created_at", "updated_at", "author", "judge_version", "counts", "cost_usd", "cost_usd_today", "problem")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    IS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_RATE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_USD_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    JUDGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_USD_TODAY_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    version: int
    name: str
    project: str
    kind: str
    target: str
    is_enabled: bool
    filter: str
    filter_time: str
    sampling_rate: float
    budget_usd_per_day: float
    model: str
    temperature: float
    prompt: str
    prompt_messages: _containers.RepeatedCompositeFieldContainer[PromptMessage]
    context: str
    outputs: _containers.RepeatedCompositeFieldContainer[RuleOutput]
    code: str
    builtin: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    author: str
    judge_version: str
    counts: _containers.ScalarMap[str, int]
    cost_usd: float
    cost_usd_today: float
    problem: str
    def __init__(self, rule_id: _Optional[str] = ..., version: _Optional[int] = ..., name: _Optional[str] = ..., project: _Optional[str] = ..., kind: _Optional[str] = ..., target: _Optional[str] = ..., is_enabled: bool = ..., filter: _Optional[str] = ..., filter_time: _Optional[str] = ..., sampling_rate: _Optional[float] = ..., budget_usd_per_day: _Optional[float] = ..., model: _Optional[str] = ..., temperature: _Optional[float] = ..., prompt: _Optional[str] = ..., prompt_messages: _Optional[_Iterable[_Union[PromptMessage, _Mapping]]] = ..., context: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[RuleOutput, _Mapping]]] = ..., code: _Optional[str] = ..., builtin: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ..., judge_version: _Optional[str] = ..., counts: _Optional[_Mapping[str, int]] = ..., cost_usd: _Optional[float] = ..., cost_usd_today: _Optional[float] = ..., problem: _Optional[str] = ...) -> None: ...

class Rules(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Rule]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListRuleDecisionsRequest(_message.Message):
    __slots__ = ("rule_id", "state", "thread_id", "limit", "cursor")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    state: str
    thread_id: str
    limit: int
    cursor: str
    def __init__(self, rule_id: _Optional[str] = ..., state: _Optional[str] = ..., thread_id: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class JudgedScore(_message.Message):
    __slots__ = ("name", "value", "category", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    category: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., category: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("project", "thread_id", "state", "reason", "scores", "cost_usd", "judge_version", "decided_at", "attempt_count")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    JUDGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    state: str
    reason: str
    scores: _containers.RepeatedCompositeFieldContainer[JudgedScore]
    cost_usd: float
    judge_version: str
    decided_at: _timestamp_pb2.Timestamp
    attempt_count: int
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[JudgedScore, _Mapping]]] = ..., cost_usd: _Optional[float] = ..., judge_version: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_count: _Optional[int] = ...) -> None: ...

class Decisions(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Decision]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class ListRuleLogRequest(_message.Message):
    __slots__ = ("rule_id", "limit")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    limit: int
    def __init__(self, rule_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class RuleLogEntry(_message.Message):
    __slots__ = ("logged_at", "level", "message", "project", "thread_id")
    LOGGED_AT_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    logged_at: _timestamp_pb2.Timestamp
    level: str
    message: str
    project: str
    thread_id: str
    def __init__(self, logged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[str] = ..., message: _Optional[str] = ..., project: _Optional[str] = ..., thread_id: _Optional[str] = ...) -> None: ...

class RuleLog(_message.Message):
    __slots__ = ("items", "next_cursor", "total")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[RuleLogEntry]
    next_cursor: str
    total: int
    def __init__(self, items: _Optional[_Iterable[_Union[RuleLogEntry, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total: _Optional[int] = ...) -> None: ...

class DryRunRuleRequest(_message.Message):
    __slots__ = ("rule_id", "limit", "thread_id", "changes", "null_fields")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NULL_FIELDS_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    limit: int
    thread_id: str
    changes: RuleChange
    null_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rule_id: _Optional[str] = ..., limit: _Optional[int] = ..., thread_id: _Optional[str] = ..., changes: _Optional[_Union[RuleChange, _Mapping]] = ..., null_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class DryScored(_message.Message):
    __slots__ = ("project", "thread_id", "scores", "error", "cost_usd")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    project: str
    thread_id: str
    scores: _containers.RepeatedCompositeFieldContainer[JudgedScore]
    error: str
    cost_usd: float
    def __init__(self, project: _Optional[str] = ..., thread_id: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[JudgedScore, _Mapping]]] = ..., error: _Optional[str] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class DryRun(_message.Message):
    __slots__ = ("matched_count", "scored", "cost_usd", "estimated_cost_usd_per_day", "judge_version")
    MATCHED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SCORED_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_USD_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    JUDGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    matched_count: int
    scored: _containers.RepeatedCompositeFieldContainer[DryScored]
    cost_usd: float
    estimated_cost_usd_per_day: float
    judge_version: str
    def __init__(self, matched_count: _Optional[int] = ..., scored: _Optional[_Iterable[_Union[DryScored, _Mapping]]] = ..., cost_usd: _Optional[float] = ..., estimated_cost_usd_per_day: _Optional[float] = ..., judge_version: _Optional[str] = ...) -> None: ...

class BackfillRuleRequest(_message.Message):
    __slots__ = ("rule_id", "to", "limit", "budget_usd")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_USD_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    to: _timestamp_pb2.Timestamp
    limit: int
    budget_usd: float
    def __init__(self, rule_id: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limit: _Optional[int] = ..., budget_usd: _Optional[float] = ..., **kwargs) -> None: ...

class Queued(_message.Message):
    __slots__ = ("queued",)
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    queued: int
    def __init__(self, queued: _Optional[int] = ...) -> None: ...
