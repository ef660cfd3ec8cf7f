-- Messages of some turns of a thread, in the order of the conversation.
select * from messages
where project = $project and thread_id = $thread_id
    and turn_index >= $first and turn_index <= $last
order by turn_index, message_index
