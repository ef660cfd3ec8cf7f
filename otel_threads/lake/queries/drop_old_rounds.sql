-- Forgets what owners did long ago. $before: since when it stays.
delete from lake.stored.lake_rounds where ended_at < $before
