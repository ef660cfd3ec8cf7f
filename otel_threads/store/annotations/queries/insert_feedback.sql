-- Inserts feedback in place of that of the same id, which was deleted before. given: NewFeedback's fields
-- and when each was first given, null for now.
insert into x_feedback by name
select * replace (coalesce(created_at, now()) as created_at), now() as updated_at from given
