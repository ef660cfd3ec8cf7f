-- One step to all that hangs together: threads of traces, traces of threads, results of askings.
-- places, links, wanted: what the other files made; more is wanted then.
insert into wanted
select unit from (
    select p.unit from places p semi join wanted w on w.unit = p.trace_id where p.unit is not null
    union select p.trace_id from places p semi join wanted w on w.unit = p.unit
    union select b.trace_id from links a semi join wanted w on w.unit = a.trace_id
        join links b on b.call = a.call
) anti join wanted using (unit)
