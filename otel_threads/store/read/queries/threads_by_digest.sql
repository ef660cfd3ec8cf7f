-- Threads that a hash of their project and id stands for (ids.py of vendors makes UUIDs of it).
-- $digests: its hex digits 1 to 12 and 19 to 32, as json_list.
with named as (
    select project, thread_id, sha256(encode('thread') || '\x00'::blob || encode(project)
        || '\x00'::blob || encode(thread_id)) as digest
    from x_thread_facts
)
select project, thread_id from named
where digest[1:12] || digest[19:32] in (select unnest(from_json($digests, '["varchar"]')))
order by project, thread_id
