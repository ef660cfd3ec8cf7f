-- Whether any evaluation names a response of another trace.
select 1 as there from x_evaluations where response_id is not null limit 1
