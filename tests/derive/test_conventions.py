"""The order between families, as it was agreed: change it on purpose, and say why in the commit."""

import dataclasses
import re
from pathlib import Path

import pytest

from otel_threads.derive import families
from otel_threads.derive.conventions import CONVENTIONS, Conventions
from otel_threads.derive.families import FAMILIES, FIRST, LAST, TIES, in_order
from otel_threads.derive.family import Family
from otel_threads.derive.ranks import ThreadId, ThreadIdRank, precedence
from otel_threads.services.libraries import LIBRARIES

ROOT = Path(__file__).parents[2]
PACKAGE = Path(families.__file__).parent

THREAD_IDS = [
    "otel_threads.thread_id",
    "otel_threads.record.field.thread_id",
    "thread.id",
    "gen_ai.conversation.id",
    "traceloop.association.properties.conversation_id",
    "traceloop.association.properties.thread_id",
    "traceloop.association.properties.chat_id",
    "langsmith.metadata.thread_id",
    "langsmith.metadata.conversation_id",
    "ai.telemetry.metadata.threadId",
    "ai.telemetry.metadata.conversationId",
    "ai.telemetry.metadata.chatId",
    "ai.telemetry.metadata.thread_id",
    "ai.telemetry.metadata.conversation_id",
    "ai.telemetry.metadata.chat_id",
    "ai.settings.context.threadId",
    "ai.settings.context.conversationId",
    "ai.settings.context.chatId",
    "ai.settings.context.thread_id",
    "ai.settings.context.conversation_id",
    "ai.settings.context.chat_id",
    "spring.ai.chat.client.conversation.id",
    "langwatch.thread.id",
    "langwatch.thread_id",
    "gen_ai.thread.id",
    "wandb.thread_id",
    "genkit:metadata:threadId",
    "genkit:metadata:conversationId",
    "genkit:metadata:chatId",
    "genkit:metadata:thread_id",
    "genkit:metadata:conversation_id",
    "genkit:metadata:chat_id",
    "copilot_chat.chat_session_id",
    "opik.thread_id",
    "thread_id",
    "threadId",
    "conversation_id",
    "conversationId",
    "conversation.id",
    "chat_id",
    "chatId",
    "metadata.thread_id",
    "metadata.threadId",
    "metadata.conversation_id",
    "metadata.conversationId",
    "metadata.conversation.id",
    "metadata.chat_id",
    "metadata.chatId",
    "langfuse.trace.metadata.thread_id",
    "langfuse.trace.metadata.threadId",
    "langfuse.trace.metadata.conversation_id",
    "langfuse.trace.metadata.conversationId",
    "langfuse.trace.metadata.conversation.id",
    "langfuse.trace.metadata.chat_id",
    "langfuse.trace.metadata.chatId",
    "langfuse.observation.metadata.thread_id",
    "langfuse.observation.metadata.threadId",
    "langfuse.observation.metadata.conversation_id",
    "langfuse.observation.metadata.conversationId",
    "langfuse.observation.metadata.conversation.id",
    "langfuse.observation.metadata.chat_id",
    "langfuse.observation.metadata.chatId",
    "langfuse.session.id",
    "gen_ai.session.id",
    "session.id",
    "traceloop.association.properties.session_id",
    "lmnr.association.properties.session_id",
    "langsmith.metadata.session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.sessionId",
    "ai.settings.context.session_id",
    "gcp.vertex.agent.session_id",
    "livekit.session.id",
    "mlflow.trace.session",
    "genkit:metadata:sessionId",
    "genkit:metadata:session_id",
    "genkit:metadata:agent:sessionId",
    "copilot_chat.session_id",
    "group_id",
    "session_id",
    "sessionId",
    "metadata",
    "metadata.session_id",
    "metadata.sessionId",
    "langfuse.trace.metadata.langfuse_session_id",
    "langfuse.trace.metadata.session_id",
    "langfuse.trace.metadata.sessionId",
    "langfuse.observation.metadata.langfuse_session_id",
    "langfuse.observation.metadata.session_id",
    "langfuse.observation.metadata.sessionId",
]

USER_TEXTS = [
    "otel_threads.record.field.inputs",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "langfuse.trace.input",
    "langfuse.observation.input",
    "lk.pii.user_input",
    "lk.user_input",
    "lk.user_transcript",
    "codex.prompt",
    "gemini_cli.prompt",
    "input.value",
    "traceloop.entity.input",
    "mlflow.spanInputs",
    "lmnr.span.input",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "haystack.agent.input",
    "ai.prompt",
    "user_prompt",
    "langwatch.input",
    "mastra.agent_run.input",
    "mastra.workflow_run.input",
    "genkit:input",
    "prompt",
    "input",
]

ASSISTANT_TEXTS = [
    "otel_threads.record.field.outputs",
    "final_result",
    "langfuse.trace.output",
    "langfuse.observation.output",
    "lk.pii.response.text",
    "lk.response.text",
    "claude_code.response",
    "output.value",
    "traceloop.entity.output",
    "mlflow.spanOutputs",
    "lmnr.span.output",
    "gen_ai.output.messages",
    "gen_ai.completion",
    "ai.response.text",
    "haystack.agent.output",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "langwatch.output",
    "mastra.agent_run.output",
    "mastra.workflow_run.output",
    "genkit:output",
    "output",
]

ASKED = [
    "openinference",
    "langfuse",
    "langsmith",
    "mlflow",
    "laminar",
    "langwatch",
    "mastra",
    "gen-ai-kind",
    "genkit",
    "vercel-ai",
    "litellm",
    "livekit",
    "strands",
    "claude-code",
    "agent-framework",
    "anthropic-sdk",
    "autogen",
    "azure-ai-agents",
    "codex",
    "copilot",
    "dspy",
    "gemini-cli",
    "langchain",
    "langtrace",
    "llama-index-otel",
    "opik",
    "pipecat",
    "semantic-kernel",
    "smolagents",
    "spring-ai",
    "voltagent",
    "weave",
    "otel-genai",
    "openlit",
    "pydantic-ai",
    "traceloop",
    "google-adk",
    "haystack",
    "plain",
]


def test_which_attribute_decides_the_thread():
    assert list(CONVENTIONS.thread_ids) == THREAD_IDS


def test_where_words_are_looked_for():
    assert [text.attribute for text in CONVENTIONS.texts["user"]] == USER_TEXTS
    assert [text.attribute for text in CONVENTIONS.texts["assistant"]] == ASSISTANT_TEXTS


def test_who_is_asked_first():
    assert [family.name for family in FAMILIES] == ASKED


def test_ranks_are_kept_whatever_the_ties():
    """No list can put a bare name before what a vendor means by its own."""
    for ties in (TIES, TIES[::-1], ()):
        order = [precedence(one) for one in Conventions(FAMILIES, ties=ties).thread_ids.values()]
        assert order == sorted(order)


def test_the_words_of_a_conversation_come_before_a_sessions():
    """Across vendors; a browser's session is last of all (tests/derive/test_truth.py)."""
    names = list(CONVENTIONS.thread_ids)
    assert names.index("ai.telemetry.metadata.chatId") < names.index("session.id")
    assert names.index("conversation.id") < names.index("langfuse.session.id")
    assert names.index("session.id") < names.index("group_id")


def test_what_all_families_say_together():
    assert CONVENTIONS.final_tools == {
        "final_answer",
        "final_result",
        "final_output",
        "submit_answer",
    }
    assert set(CONVENTIONS.log_events) == {
        "gen_ai.*",
        "claude_code.*",
        "user_prompt",
        "api_request",
        "api_error",
        "assistant_response",
        "tool_result",
        "tool_decision",
        "codex.*",
        "gemini_cli.*",
        "copilot_chat.*",
    }
    assert CONVENTIONS.turn_events == {
        "user_prompt",
        "claude_code.user_prompt",
        "codex.user_prompt",
        "gemini_cli.user_prompt",
    }
    assert CONVENTIONS.elided == {"<REDACTED>", "<elided>"}
    assert set(CONVENTIONS.metadata_noise) == {
        "LANGCHAIN_",
        "LANGSMITH_",
        "_OPIK_",
        "_opik_",
        "langgraph_",
        "lc_",
        "ls_",
        "langfuse_",
        "revision_id",
        "checkpoint_ns",
        "usage_metadata",
    }
    assert set(CONVENTIONS.tag_noise) == {"seq:step:", "graph:step:"}
    assert set(CONVENTIONS.metadata_prefixes) == {
        "langfuse.trace.metadata.",
        "langsmith.metadata.",
        "lmnr.association.properties.metadata.",
        "traceloop.association.properties.",
        "ai.telemetry.metadata.",
        "otel_threads.metadata.",
        "metadata.",
        "opik.metadata.",
    }
    assert CONVENTIONS.first_token_events == {
        "First Token Stream Event",
        "gen_ai.content.completion.chunk",
        "ai.stream.firstChunk",
    }


def test_every_module_has_one_family_of_its_name_and_a_test():
    names = {path.stem.replace("_", "-") for path in PACKAGE.glob("*.py")} - {"--init--"}
    assert {family.name for family in FAMILIES} == names
    tests = "".join(path.read_text() for path in (ROOT / "tests/derive/families").glob("*.py"))
    files = {
        path.stem.removeprefix("test_").replace("_", "-")
        for path in (ROOT / "tests/derive/families").glob("*.py")
    }
    bare = {
        family.name
        for family in FAMILIES
        if family.name not in files
        and f'"{family.name}"' not in tests
        and not any(f'"{one.attribute}"' in tests for one in family.thread_ids)
    }
    assert bare == set()


def test_no_two_libraries_claim_one_scope():
    claimed = [scope for library in LIBRARIES for scope in library.scopes]
    assert len(claimed) == len(set(claimed))


def test_what_a_library_says_arrives_is_read():
    assert {library.arrives_as for library in LIBRARIES} <= set(CONVENTIONS.thread_ids)


def test_the_store_reads_the_environments_that_families_name():
    """The query picks them out of the resource; a family's name must stand there, too."""
    sql = (ROOT / "otel_threads/store/derived/queries/work_spans.sql").read_text()
    (expression,) = re.findall(r"coalesce\((.*?)\)\s+as resource_environment", sql, re.DOTALL)
    assert tuple(re.findall(r"\['(.+?)'\]", expression)) == CONVENTIONS.resource_environments


def test_doctor_looks_for_what_scrubbers_write():
    """Its query names the beginning again, and the attributes that it looks at."""
    sql = (ROOT / "otel_threads/store/read/queries/instrumentations.sql").read_text()
    looked_at = re.findall(r"attributes\['(.+?)'\] like '(.+?)%'", sql)
    scrubbed = [text for family in FAMILIES for text in family.scrubbed]
    assert looked_at
    for attribute, beginning in looked_at:
        assert attribute in CONVENTIONS.thread_ids
        assert any(text.startswith(beginning) for text in scrubbed)


def test_a_misspelt_fact_or_place_is_refused():
    with pytest.raises(ValueError, match="family x names an unknown fact: modle"):
        Conventions([Family(name="x", source="", names={"modle": ("a",)})])
    with pytest.raises(ValueError, match="no module has the family plain"):
        in_order(family for family in FAMILIES if family.name != "plain")


def test_an_attribute_of_two_families_counts_once_at_its_best_rank():
    low, high = (
        Family(name=name, source="", thread_ids=(ThreadId("id", rank),))
        for name, rank in (("a", ThreadIdRank.PLAIN), ("b", ThreadIdRank.SESSION))
    )
    assert Conventions([low, high]).thread_ids["id"].rank is ThreadIdRank.SESSION


def test_a_place_is_given_once():
    for places in (FIRST + LAST, TIES):
        assert len(places) == len(set(places))


VENDORS = (
    "langfuse",
    "langsmith",
    "openinference",
    "traceloop",
    "logfire",
    "pydantic_ai",
    "livekit",
    "lk\\.",
    "mastra",
    "mlflow",
    "lmnr",
    "laminar",
    "langwatch",
    "genkit",
    "haystack",
    "vercel",
    "litellm",
    "strands",
    "claude",
    "openlit",
    "gcp\\.vertex",
    "smolagents",
    "autogen",
    "semantic.kernel",
    "spring\\.ai",
    "wandb",
    "langgraph",
    "langchain",
    "ai\\.telemetry",
    "ai\\.response",
    "traceai",
    "langtrace",
)
# Who named them outside, and why it stays.
NAMED = {
    # Which doors there are, and a comment that names them.
    "server.py": {"langsmith"},
    # Names of files and scorers of other products that are read.
    "scorers.py": {"mlflow"},
    # Picked out of the resource in SQL; the test above compares.
    "store/derived/queries/work_spans.sql": {"langfuse"},
}


@pytest.mark.long
def test_a_vendor_is_named_in_its_family_alone():
    """Else it would take more than one file to know a family, or to change what is known of it."""
    found: dict[str, set[str]] = {}
    source = ROOT / "otel_threads"
    for path in sorted([*source.rglob("*.py"), *source.rglob("*.sql")]):
        name = path.relative_to(source).as_posix()
        if not name.startswith(("derive/families/", "ui/", "vendors/")):
            text = path.read_text().lower()
            some = {vendor for vendor in VENDORS if re.search(rf"\b{vendor}", text)}
            some and found.update({name: some})
    assert found == NAMED


def test_the_page_names_no_attribute_of_a_vendor():
    """But in the module that is made of the families."""
    static = ROOT / "otel_threads/ui/static"
    attribute = re.compile(
        r'"(?:langfuse|traceloop|mlflow|lmnr|langsmith|gcp\.vertex|haystack|openinference|ai\.\w+)\.'
    )
    found = {
        path.relative_to(static).as_posix()
        for path in static.rglob("*.js")
        if "vendor" not in path.parts and attribute.search(path.read_text())
    }
    assert found == {"conversation/shown_names.js"}


def test_a_family_says_nothing_that_it_does_not_own():
    """A field of `Family` that nothing reads would be a promise that nobody keeps."""
    read = "".join(
        path.read_text()
        for path in (ROOT / "otel_threads").rglob("*.py")
        if "families" not in path.parts
    )
    unread = [field.name for field in dataclasses.fields(Family) if f".{field.name}" not in read]
    assert unread == []
