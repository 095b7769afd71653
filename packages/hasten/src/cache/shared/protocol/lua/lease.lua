-- LEASE: the right to load a key while others wait; and the entry as it stands at that moment.
-- KEYS[1] clock
-- ARGV[1] name of the key (`k:…`), [2] holder, [3] how long it lasts unless renewed (ms),
--   [4…] names of the key's prefixes and of declared tags
-- Result: { 1 if it is the holder's, how long it lasts (ms), clock or nil, entry or nil,
--   { records in the order of ARGV }, { records of its tags } }
-- include space entry records-raw look lease
local key = key_of(ARGV[1], 'l', 'L')
local holder = lease_holder(key)
local mine = 0
local left = tonumber(ARGV[3])
if holder and holder ~= ARGV[2] then
  redis.call('HSET', key, 'w', '1')
  left = redis.call('PTTL', key)
  if left < 0 then
    -- It would never end.
    redis.call('PEXPIRE', key, ARGV[3])
    left = tonumber(ARGV[3])
  end
else
  mine = 1
  redis.call('HSET', key, 'h', ARGV[2])
  redis.call('PEXPIRE', key, ARGV[3])
end
local clock, entry, declared, tags = look(key_of(ARGV[1], 'e', 'E'), 4)
return { mine, left, clock, entry, declared, tags }
