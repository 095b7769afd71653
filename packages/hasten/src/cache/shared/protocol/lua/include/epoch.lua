-- A new epoch: nothing from before is valid any more, and the log begins again.
local function clock_begin(run_id, epoch, seq_before)
  local now = now_us()
  local seq = seq_before + 1
  if now > seq then seq = now end
  local clock = {
    epoch = epoch, seq = seq, head = 0, run_id = run_id,
    deleted = 0, expired = 0, floor = seq, generation = 0
  }
  redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')
  marks_begin(clock)
  return clock
end

-- The clock with complete marks, begun anew where it was lost; and whether it was.
local function clock_ready(run_id, epoch)
  local clock, seq_before = clock_read(run_id)
  if not clock then return clock_begin(run_id, epoch, seq_before), 1 end
  if not marks_whole(clock) then marks_begin(clock) end
  return clock, 0
end
