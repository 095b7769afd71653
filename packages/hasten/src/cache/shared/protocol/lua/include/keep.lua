-- Lets the records of an entry live as long as the entry, and creates those that are missing.
-- Never lowers one. A missing one is created with the last invalidation of its name that the marks
-- know, or with the floor, above which they know all of them: never less than the last there was.
-- A quarter is added, so that not every fill has to write them again.
local function records_keep(clock, names, raws, keep_ms)
  local now_ms = math.floor(now_us() / 1000)
  local needed = now_ms + keep_ms
  local generous = needed + math.floor(keep_ms / 4)
  local marks = nil
  for index, name in ipairs(names) do
    local record = record_read(raws[index], clock.epoch)
    if not record then
      marks = marks or marks_of(clock, names)
      record_write(name, clock.epoch, {
        deleted = marks[index] or clock.floor, expired = 0, until_ms = generous
      }, now_ms)
    elseif record.until_ms < needed then
      record.until_ms = generous
      record_write(name, clock.epoch, record, now_ms)
    end
  end
end
