-- Seeds that are not joined yet, as many as one file is filled with. seeds: what joining_seeds.sql made.
-- done: units that are joined. $most: how many. Gives wanted.
create or replace temp table wanted as
select unit from seeds anti join done using (unit) order by unit limit $most
