-- Marks: which names were invalidated lately, and at which number; two hashes, the current one is
-- written. Every invalidation above clock.floor is in one of them. The field '' of each says to
-- which epoch it belongs and after which number it began: without it the hash was lost and made
-- anew, so it is not complete.
local function marks_key(generation)
  return SPACE .. 'm' .. whole(generation)
end

-- Both hashes anew: whatever was invalidated until now counts as everything. The floor is written
-- before them: complete marks under a floor that is too low would let in what they do not know.
local function marks_begin(clock)
  clock.floor = clock.seq
  clock_write(clock)
  local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
  redis.call('UNLINK', marks_key(0), marks_key(1))
  redis.call('HSET', marks_key(0), '', sentinel)
  redis.call('HSET', marks_key(1), '', sentinel)
end

-- Whether both are complete.
local function marks_whole(clock)
  for generation = 0, 1 do
    local sentinel = redis.pcall('HGET', marks_key(generation), '')
    if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
  end
  return true
end

-- The number at which a name was last invalidated; false where that is not above the floor.
-- In the order of names. The current hash has the later number.
local function marks_of(clock, names)
  if #names == 0 then return {} end
  local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
  local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
  for index = 1, #names do
    local mark = found[index] or older[index]
    found[index] = mark and tonumber(mark)
  end
  return found
end

-- Marks names at clock.seq. The older hash goes when the current one has half of what is kept;
-- then the floor rises to where the one that stays began.
local function marks_add(clock, names, kept)
  if #names == 0 then return end
  local current = marks_key(clock.generation)
  local seq = whole(clock.seq)
  local pairs_of = {}
  for _, name in ipairs(names) do
    pairs_of[#pairs_of + 1] = name
    pairs_of[#pairs_of + 1] = seq
  end
  redis.call('HSET', current, unpack(pairs_of))
  if redis.call('HLEN', current) - 1 <= kept / 2 then return end
  clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
  clock.generation = 1 - clock.generation
  clock_write(clock)
  local next_key = marks_key(clock.generation)
  redis.call('UNLINK', next_key)
  redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
