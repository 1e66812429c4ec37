#!lua flags=allow-oom
-- The arithmetic of monite_auth/stores/budget.py, which explains it; a test holds the two together.
local state = redis.call('GET', KEYS[1])
local free_at, gate, held, held_until, renewals_until = 0, 0, 0, 0, 0
if state then free_at, gate, held, held_until, renewals_until = struct.unpack('>ddddd', state) end
local now = clock()

local function write()
  redis.call('SET', KEYS[1], struct.pack('>ddddd', free_at, gate, held, held_until, renewals_until))
  keep(KEYS[1], now, math.max(now, free_at + held, gate + held, held_until, renewals_until))
end

if ARGV[1] == 'hold' then
  local seconds = tonumber(ARGV[2])
  local start = math.max(now, held_until)
  local longer = math.max(0, now + seconds - start)
  free_at, gate = math.max(free_at, start - held), -math.huge
  held = held + longer
  held_until = math.max(held_until, now + seconds)
  write()
  return 1
end

local USER, RENEWAL, REVOCATION = 0, 1, 2
local interval, tolerance, priority = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local patience, moment, passed = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'
local probe, shortest_wait = tonumber(ARGV[8]), tonumber(ARGV[9])
local virtual = now - held

local function refuse(wait)
  return { 0, text(wait), '', 0 }
end

local function redeem()
  local opens = math.max(moment, held_until - held)
  if virtual < opens - shortest_wait then return { 1, text(opens - virtual), text(moment), passed and 1 or 0 } end
  if gate == -math.huge then
    free_at, gate = math.max(free_at, virtual), virtual + interval
    held, held_until = held + probe, virtual + held + probe
    return { 1, '0', text(moment), passed and 1 or 0 }
  end
  if passed then return { 1, '0', text(moment), 1 } end
  if virtual >= gate - tolerance then
    gate = math.max(gate, virtual) + interval
    return { 1, '0', text(moment), 0 }
  end
  local at = gate
  gate = gate + interval
  free_at = math.max(free_at, gate)
  return { 1, text(at - virtual), text(at), 1 }
end

if not moment then -- no ticket yet
  moment = math.max(free_at, virtual)
  local wait = math.max(0, moment - virtual)
  if priority == USER and wait > patience then return refuse(wait) end
  if priority == REVOCATION then wait = math.max(wait, renewals_until - now) end
  if priority ~= USER and wait > 0 then
    if priority == RENEWAL then
      renewals_until = now + wait + 2 * interval
      write()
    end
    return refuse(wait)
  end
  free_at = moment + interval
end
local admission = redeem()
write()
return admission
