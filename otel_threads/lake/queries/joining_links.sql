-- Which node has which asking of a tool, and which result. Gives links.
create or replace temp table links as
select distinct lake_node, trace_id, project || ':' || tool_call_id as call, is_answer
from alive_x_tool_links
