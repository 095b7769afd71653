-- RELEASE: ends a lease without a fill, waking who waits.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] name of the key (`k:…`), [3] holder, [4] log entry for who waits,
--   [5] entries of the log to keep
-- Result: 1 if it was the holder's, else 0
-- include space clock log lease
local clock = clock_read(ARGV[1])
return lease_end(clock, key_of(ARGV[2], 'l', 'L'), ARGV[3], ARGV[4], ARGV[5])
