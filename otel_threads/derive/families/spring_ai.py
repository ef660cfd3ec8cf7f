"""Spring AI: OpenTelemetry's attributes through Micrometer, and its advisors' conversation id.

Source: github.com/spring-projects/spring-ai, observation conventions.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

LIBRARY = Library(
    slug="spring-ai",
    title="Spring AI",
    scopes=("org.springframework.*",),
    packages=("spring-ai-client-chat",),
    language="java",
    thread_id="""\
chatClient.prompt().user(question)
    .advisors(a -> a.param(ChatMemory.CONVERSATION_ID, chatId))
    .call().content();
""",
    arrives_as="spring.ai.chat.client.conversation.id",
    content="""\
// Spring AI writes no texts on its spans: turns, models and tokens arrive, words do not
""",
)

FAMILY = Family(
    name="spring-ai",
    source="spring-projects/spring-ai, observation conventions",
    thread_ids=(ThreadId("spring.ai.chat.client.conversation.id", ThreadIdRank.VENDOR),),
    libraries=(LIBRARY,),
)
