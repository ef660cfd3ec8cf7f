-- Scores that were stored before they had a bound (SCORE_VALUE_MAX in core/limits.py): sums stay finite.

update x_score_records set value = greatest(-1e300, least(1e300, value)) where abs(value) > 1e300;
update evaluation_results set value = greatest(-1e300, least(1e300, value)) where abs(value) > 1e300;
