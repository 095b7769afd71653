-- Names. KEYS[1] is always the shard's clock: what is before `clk` is what all its names begin with,
-- and every key that a script touches has that hash tag, so they lie in one slot.
local SPACE = string.sub(KEYS[1], 1, -4)

-- The key in Redis of what belongs to a key among marks: `k:…` gives `e:…`, `K:…` gives `E:…`.
local function key_of(name, small, capital)
  local letter = string.byte(name) == 107 and small or capital
  return SPACE .. letter .. string.sub(name, 2)
end
