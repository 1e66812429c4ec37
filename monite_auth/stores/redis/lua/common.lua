-- What all scripts share. The loader puts it behind the first line of each, with SAFETY and GRACE before it.
--
-- Times are seconds of this server's clock. Doubles are kept as they are (struct 'd') or written with 17 digits, so
-- that nothing is lost. A script leads every key by KEYS, and all keys of one call lie in one slot of a cluster.
--
-- A user is one hash. Its fields, by their first letter; a *place* names a slot, and its session behind it:
--   t<place>         the token: expires, issued, renew from (ddd), name of its fingerprint (22), lease (16), sealed
--   o<print><place>  an older token that may still be valid, written alike
--   l<place>         the lease: until (d), fenced (B), id (16), owner
--   r<place>         the rest: until (d), data key (22), sealed
--   n<note>          a note: until (d), sealed
--   before           who logged in before this moment has ended

local function clock()
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end

local function text(number)
  return string.format('%.17g', number)
end

-- Have a key live at least until `moment`, and somewhat longer: what has just run out may still be asked for.
local function keep(key, now, moment)
  local milliseconds = math.ceil((moment - now + GRACE) * 1000)
  if redis.call('PTTL', key) < milliseconds then
    redis.call('PEXPIRE', key, string.format('%.0f', milliseconds))
  end
end

-- Whether the set of moments by name has one for `name` that is yet to come.
local function lasts(key, name, now)
  local moment = redis.call('ZSCORE', key, name)
  return moment and tonumber(moment) > now
end

local function print_of(record)
  return string.sub(record, 25, 46)
end

local function lease_of(record)
  return string.sub(record, 47, 62)
end

-- Make a token a pending revocation, due now, unless it has expired; one that is pending already stays as it is.
local function revoke(queue, records, data_key, place, record, now)
  local moment = struct.unpack('>d', record) + SAFETY
  if moment <= now then
    return 0
  end
  local name = print_of(record) .. place
  if not redis.call('ZSCORE', queue, name) then
    redis.call('HSET', records, name, struct.pack('>dI4', moment, 0) .. data_key .. string.sub(record, 63))
    redis.call('ZADD', queue, text(now), name)
    keep(queue, now, moment)
    keep(records, now, moment)
  end
  return 1
end

-- Forget what is of no use any more.
local function sweep(user, now)
  local fields = redis.call('HGETALL', user)
  for i = 1, #fields, 2 do
    local kind = string.sub(fields[i], 1, 1)
    local longer = ({ t = SAFETY, o = SAFETY, l = GRACE, r = 0, n = 0 })[kind]
    if longer and struct.unpack('>d', fields[i + 1]) + longer <= now then
      redis.call('HDEL', user, fields[i])
    end
  end
end
