#!lua flags=allow-oom
-- The arithmetic of monite_auth/stores/budget.py and window.py, which explain it; a test holds them together.
-- It answers whether, how long to wait, and a moment; only `admit` has use for the last two. `pace` answers for how long nobody may send,
-- and the rate.
-- The state: eleven doubles, then a moment and a number of requests for each entry of the log.
local FORMAT, FIELDS = '>ddddddddddd', 11
local now = clock()
local operation = ARGV[1]
local constant = {}
for number = 0, 10 do constant[number + 1] = tonumber(ARGV[#ARGV - 10 + number]) end
local JITTER, RESERVE, ENTRIES, LATENESS, SHORTEST_WAIT, PROBE, SLOWER, SLOWEST, RECOVERY, ONE_EXCESS, LIMIT_AGE =
  unpack(constant)

local free_at, calls_free_at, probe_next, held, held_until, renewals_until = 0, 0, 0, 0, 0, 0
local slowed_at, full_pace_at, learned, learned_until, seen_at = -math.huge, 0, 0, 0, 0
local log = {}

local function stop(from, to)
  local start = math.max(from, held_until)
  free_at = math.max(free_at, start - held)
  held, held_until = held + math.max(0, to - start), math.max(held_until, to)
end

local function read()
  local state = redis.call('GET', KEYS[1])
  if not state then return end
  if #state < 8 * FIELDS or (#state - 8 * FIELDS) % 16 > 0 then
    stop(now, now + 1 + JITTER + RESERVE)
    probe_next, seen_at = 1, now
    return
  end
  free_at, calls_free_at, probe_next, held, held_until, renewals_until, slowed_at, full_pace_at, learned, learned_until,
    seen_at = struct.unpack(FORMAT, state)
  for position = 8 * FIELDS + 1, #state, 16 do
    log[#log + 1] = { struct.unpack('>dd', state, position) }
  end
  local back = now - seen_at
  if back < 0 then
    held, held_until, renewals_until, learned_until =
      held + back, held_until + back, renewals_until + back, learned_until + back
    for _, entry in ipairs(log) do entry[1] = entry[1] + back end
  end
  seen_at = now
end

local function write()
  local parts = { struct.pack(FORMAT, free_at, calls_free_at, probe_next, held, held_until, renewals_until, slowed_at,
    full_pace_at, learned, learned_until, now) }
  for _, entry in ipairs(log) do parts[#parts + 1] = struct.pack('>dd', entry[1], entry[2]) end
  redis.call('SET', KEYS[1], table.concat(parts))
  local last = log[#log]
  keep(KEYS[1], now, math.max(now, free_at + held, calls_free_at + held, full_pace_at + held, held_until, renewals_until,
    learned_until, last and last[1] or 0))
end

local function pace_at(virtual)
  return math.max(SLOWEST, 1 - RECOVERY * math.max(0, full_pace_at - virtual))
end

read()

if operation == 'hold' then
  local seconds, throttled = tonumber(ARGV[2]), ARGV[3] == '1'
  local virtual = math.max(now, held_until) - held
  if throttled and virtual >= slowed_at + ONE_EXCESS then
    local pace = math.max(SLOWEST, SLOWER * pace_at(virtual))
    slowed_at, full_pace_at = virtual, virtual + (1 - pace) / RECOVERY
  end
  stop(now, now + seconds)
  probe_next = 1
  write()
  return { 1, '0', '' }
end

if operation == 'lower' then
  local limit = tonumber(ARGV[2])
  if now < learned_until and learned < limit then return { 0, '0', '' } end
  learned, learned_until = limit, now + LIMIT_AGE
  write()
  return { 1, '0', '' }
end

local rate = tonumber(ARGV[2])
if now < learned_until then rate = math.min(rate, learned) end
rate = rate * pace_at(math.max(now, held_until) - held)
if operation == 'pace' then return { 1, text(math.max(0, held_until - now)), text(rate) } end

local USER, CALL, REVOCATION = 0, 1, 3
local priority, patience, moment = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local allowed, span = math.max(1, math.floor(rate)), math.max(1, 1 / rate) + JITTER + RESERVE
local interval = (span + LATENESS) / allowed
local virtual = now - held

-- From when on one more request may leave, of so many at most.
local function opening(room)
  for number = #log, 1, -1 do
    room = room - log[number][2]
    if room <= 0 then return log[number][1] + span end
  end
  return now
end

local function add()
  local grain = allowed > ENTRIES and span / ENTRIES or 0
  local at = grain > 0 and math.ceil(now / grain) * grain or now
  local recent = {}
  for _, entry in ipairs(log) do
    if entry[1] > now - span then recent[#recent + 1] = entry end
  end
  local last = recent[#recent]
  if last and last[1] == at then last[2] = last[2] + 1 else recent[#recent + 1] = { at, 1 } end
  log = recent
end

local opens = opening(allowed)
if not moment then -- no ticket yet
  moment = math.max(free_at, virtual, priority > USER and calls_free_at or 0)
  local wait = moment - virtual
  if priority <= CALL and wait > patience then return { 0, text(wait), '' } end
  if priority > CALL then
    wait = math.max(wait, opens - now)
    if priority == REVOCATION then wait = math.max(wait, renewals_until - now) end
    if wait > 0 then
      if priority ~= REVOCATION then
        renewals_until = now + wait + 2 * interval
        write()
      end
      return { 0, text(wait), '' }
    end
  end
  if priority ~= CALL then
    free_at = moment + interval
  elseif wait > 0 or opening(math.floor((allowed + 1) / 2)) > now then
    calls_free_at = moment + interval
  end
end

local due = math.max(moment, held_until - held, priority == CALL and free_at or 0)
local wait = 0
if virtual < due - SHORTEST_WAIT then
  wait = due - virtual
elseif opens > now + SHORTEST_WAIT then
  wait = opens - now
  stop(now, opens)
else
  add()
  if probe_next == 1 then
    stop(now, now + PROBE)
    probe_next = 0
  end
end
write()
return { 1, text(wait), text(moment) }
