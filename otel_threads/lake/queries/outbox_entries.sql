-- What changed up to a commit and waits to be shipped, in its order.
-- $upto: the commit. $most: how many entries.
select entry, kind, project, id from x_outbox where sequence <= $upto order by entry limit $most
