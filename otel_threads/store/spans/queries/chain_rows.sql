-- The rows of chains up to those that are asked for, chain by chain.
-- wanted_chains: (chain_id, last_row). $low, $high: bounds of the chains. $first: no row of them came before.
select c.chain_id, c.chain_row, c.chain_chars, c.value
from x_content_chunks c join wanted_chains w on c.chain_id = w.chain_id and c.chain_row <= w.last_row
where c.chain_id >= $low and c.chain_id <= $high and c.ingest_seq >= $first
order by c.chain_id, c.chain_row, c.chain_chars
