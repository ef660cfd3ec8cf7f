-- What a file holds, from one chunk to the next. $from, $upto: the first, and the one after the last.
select data from x_attachment_chunks
where id = $id and chunk_index >= $from and chunk_index < $upto
order by chunk_index
