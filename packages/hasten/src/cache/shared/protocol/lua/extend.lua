-- EXTEND: lets a lease last longer, if it still is the holder's.
-- KEYS[1] clock
-- ARGV[1] name of the key (`k:…`), [2] holder, [3] how long from now (ms)
-- Result: 1 if it was, else 0
-- include space lease
local key = key_of(ARGV[1], 'l', 'L')
if lease_holder(key) ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', key, ARGV[3])
