-- Spans that count, with the number of their time. kept, moments: what the other files made.
create or replace temp table best as
select k.*, m.place from kept k join moments m on m.came_us = k.came_us
