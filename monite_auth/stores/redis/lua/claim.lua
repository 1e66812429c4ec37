#!lua
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user, known, ended, cooldown_of_all = KEYS[2], KEYS[3], KEYS[4], KEYS[7]
local place, session, memory = ARGV[2], ARGV[3], tonumber(ARGV[7])
local owner, id, seconds, min_life = ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local now = clock()
if is_set(now) then return 'set' end

local over = ending(KEYS, { session = session, date = ARGV[4], by = ARGV[5], at = ARGV[6] }, memory, now)
if over then return { over } end

local function visit()
  index(KEYS, now, now + math.max(session ~= '' and memory or 0, seconds))
  if session ~= '' then
    know(known, session, ARGV[5] ~= '' and math.min(now, ARGV[5] + ahead_of(ARGV[6], now)) or now, memory, now)
    redis.call('ZREMRANGEBYSCORE', ended, '-inf', text(now))
  end
end

local found = redis.call('HMGET', user, 't' .. place, 'r' .. place, 'l' .. place)
local token, cooldown, lease = found[1], found[2], found[3]
if token then
  local left = left_of(token, now)
  if left > 0 and left >= min_life then
    visit()
    return { 'hit', token, text(now) }
  end
end

for _, each in ipairs({ { 'everyone', redis.call('GET', cooldown_of_all) }, { 'place', cooldown } }) do
  local reach, record = each[1], each[2]
  if record and string.sub(record, 17, 38) == store_of(ARGV[1]) then
    local left = left_of(record, now)
    if left > 0 then
      visit()
      return { 'cooldown', text(left), string.sub(record, 39), reach }
    end
  end
end

if lease then
  local ends, taken = struct.unpack('>dd', lease)
  if taken > now then -- the clock was set back. Its holder may be at work, so all of its time begins again.
    ends, taken = now + ends - taken, now
    redis.call('HSET', user, 'l' .. place, struct.pack('>dd', ends, taken) .. string.sub(lease, 17))
  end
  if string.sub(lease, 34) ~= owner and ends > now then
    -- Those who wait ask many times. Nothing is written for them but that their session is known.
    if session ~= '' and not lasts(known, session, now) then visit() end
    return { 'busy', text(ends - now) }
  end
end
visit()
redis.call('HSET', user, 'l' .. place, struct.pack('>ddBc16', now + seconds, now, 0, id) .. owner)
keep(user, now, now + seconds)
return { 'claimed' }
