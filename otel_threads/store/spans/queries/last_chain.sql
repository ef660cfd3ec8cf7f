-- The greatest number of a chain that began in a commit. $low, $high: the numbers that it may have.
select max(chain_id) from x_content_chunks where chain_id >= $low and chain_id < $high
