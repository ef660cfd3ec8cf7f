-- Whether this machine's clock was seen to jump forward by an hour or more within the last day.
select count(*) > 0 from x_clock_steps
where step_ms >= 3600000 and noticed_at between now() - interval 1 day and now() + interval 1 day
