-- RENEW: begins a new epoch, which voids everything, unless somebody else has: the first node wins.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] epoch that is to end ('' where none is known), [3] the new one
-- Result: the clock that holds now
-- include space clock marks epoch
local clock, seq_before = clock_read(ARGV[1])
if clock and clock.epoch ~= ARGV[2] then return clock_text(clock) end
-- As in INVALIDATE: also at the memory's limit.
redis.call('UNLINK', SPACE .. '-')
return clock_text(clock_begin(ARGV[1], ARGV[3], clock and clock.seq or seq_before))
