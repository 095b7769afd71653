-- An entry: `H1`, live byte ('0', or 'x' for expired), epoch (16), seq twice (16 digits each), body.
-- Of an expired one the second is the number at which it was.
-- The body: four doubles (fresh until, stale until, captured, load), form (1), dependency (1),
-- length of the payload (4), count of tags (2), tags (length (2) and name each), ….
-- Offsets here count from 1.
local ENTRY_BODY = 52
local ENTRY_TAG_COUNT = ENTRY_BODY + 38
local ENTRY_TAGS = ENTRY_BODY + 40
local ENTRY_TAGS_MAX = 256

-- The names of its tags; nil where it cannot be read.
local function entry_tags(entry)
  local length = #entry
  if length < ENTRY_TAGS + 3 or string.sub(entry, 1, 2) ~= 'H1' then return nil end
  local count = struct.unpack('>I2', entry, ENTRY_TAG_COUNT)
  if count > ENTRY_TAGS_MAX then return nil end
  local names = {}
  local at = ENTRY_TAGS
  for index = 1, count do
    if at + 1 > length then return nil end
    local size = struct.unpack('>I2', entry, at)
    if at + 1 + size > length then return nil end
    names[index] = string.sub(entry, at + 2, at + 1 + size)
    at = at + 2 + size
  end
  return names
end
