-- Feedback by what it is about, the latest first; null leaves a condition out. Lists are json_list.
select * from x_feedback
where ($feedback_ids is null or feedback_id in (select unnest(from_json($feedback_ids, '["varchar"]'))))
    and ($projects is null or project in (select unnest(from_json($projects, '["varchar"]'))))
    and ($thread_ids is null or thread_id in (select unnest(from_json($thread_ids, '["varchar"]'))))
    and ($span_ids is null or span_id in (select unnest(from_json($span_ids, '["varchar"]'))))
    and ($names is null or name in (select unnest(from_json($names, '["varchar"]'))))
    and ($sources is null or source in (select unnest(from_json($sources, '["varchar"]'))))
    and ($has_comment is null or (coalesce(json_extract_string(body, '$.comment'), '') <> '') = $has_comment)
    and ($has_score is null or (json_extract_string(body, '$.score') is not null) = $has_score)
    and ($is_unplaced is null or (thread_id is null and trace_id is null) = $is_unplaced)
order by created_at desc, feedback_id desc
limit $limit offset $offset
