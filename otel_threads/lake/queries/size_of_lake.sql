-- Spans, units whose earlier rows still wait to be dropped, and when an owner last did its round.
select
    (select count(*) from lake.spans), (select count(*) from lake.stored.lake_dead),
    (select max(ended_at) from lake.stored.lake_rounds)
