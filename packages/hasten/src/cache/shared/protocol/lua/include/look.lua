-- All that judging an entry takes, as one reply: clock, entry, records of the names given, records
-- of the entry's tags (an empty list where it cannot be read).
local function look(entry_key, first)
  local both = redis.call('MGET', KEYS[1], entry_key)
  local names = {}
  for index = first, #ARGV do names[#names + 1] = ARGV[index] end
  local tags = both[2] and entry_tags(both[2]) or {}
  return both[1], both[2], records_raw(names), records_raw(tags)
end
