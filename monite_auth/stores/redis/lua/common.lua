-- What several scripts use. The loader puts what a script uses of it behind its first line, after SAFETY, GRACE and the like.
--
-- Times are seconds of this server's clock. Doubles are kept as they are (struct 'd') or written with 17 digits, so
-- that nothing is lost. A script leads every key by KEYS, and all keys of one call lie in one slot of a cluster.
--
-- A user is one hash. Its fields, by their first letter; a *place* names a slot, and its session behind it:
--   t<place>         the token: expires, issued, kept until, renew from (dddd), name of its fingerprint (22), lease (16), sealed
--   o<name><place>   an older token, by the name of its fingerprint, that may still be valid, written alike
--   l<place>         the lease: until, taken (dd), fenced (B), id (16), owner
--   r<place>         the cooldown: until, from (dd), store (22), sealed
--   n<note>          a note: until (d), sealed
--   before           sessions from before this moment have ended; the same moment by the wall clock of the host that said so; and by how
--                    much this clock had been set by then
--
-- ARGV[1] is a *stamp*: the name of the account's store here (22), which stays, and that of the data key in force (16).
-- A script that finds another stamp in its shard answers 'foreign', and its caller opens the envelope again. Behind all other
-- arguments of a script with a stamp are the earliest and the latest time that this clock shows if nobody has set it, each '' where
-- the caller cannot tell, and the time of the caller's wall clock.
--
-- This server's clock may be set. Back, it shows in what seems to be yet to begin. Forward, it is ahead of the caller's, or was behind:
-- nothing is deleted before both clocks say that it has expired. The two may have differed when a token was stored, so it is kept until
-- the later of its ends by this clock and by the wall clock of the host that stored it.

local function clock()
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end

local function wall()
  return tonumber(ARGV[#ARGV])
end

-- Whether this clock shows what its caller does not expect. Then a script that compares dates does nothing and answers 'set': the caller
-- looks whether the clock was set, notes that, and asks again.
local function is_set(now)
  local earliest, latest = tonumber(ARGV[#ARGV - 2]), tonumber(ARGV[#ARGV - 1])
  return earliest and latest and (now < earliest or now > latest)
end

-- By how many seconds this clock was set in all, forward less back, as far as processes have noticed; and when they noted that last.
local function set_in_all(key)
  local total, at = string.match(redis.call('GET', key) or '0 0', '^(%S+) (%S+)$')
  return tonumber(total), tonumber(at)
end

-- By how much this server's clock is ahead of the caller's, for dates of a login (`at`) there: the caller knows how long ago it was.
-- One that is yet to come there was dated by another clock, and nobody knows how long ago. It counts as this clock says, if that is
-- earlier.
local function ahead_of(at, now)
  local ahead = now - wall()
  return tonumber(at) > wall() and math.min(ahead, 0) or ahead
end

-- Whether something has expired by both clocks.
local function is_over(moment, now)
  return moment <= math.min(now, wall())
end

-- Until when a token is kept that expires in so many seconds.
local function kept_until(seconds, now)
  return math.max(now, wall()) + seconds
end

-- Seconds left of a record that begins with its end and its beginning. One that is yet to begin is over: this clock has been set
-- back since, and nobody knows how long ago it began.
local function left_of(record, now)
  local ends, begins = struct.unpack('>dd', record)
  return begins <= now and ends - now or 0
end

local function text(number)
  return string.format('%.17g', number)
end

-- The pending revocations of a shard are kept for so much longer: they are deleted one by one, and must not be lost to a server whose
-- clock is set forward.
local DAY = 86400

-- Keep a key at least until `moment`, and GRACE longer, since records that have just run out may still be asked for.
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

-- Know a session from now on. If it is new, it began at `began`. A second member says so, "+" before the session's name, with a
-- score behind those of all sessions: FAR and the moment. It is kept for a day, since endings hardly come later than that;
-- without it, the session counts as older than any ending.
local FAR, BEGAN_KEPT = 1e12, DAY

-- Whether at least so many sessions are known.
local function has_sessions(known, many)
  local last = many > 0 and redis.call('ZRANGE', known, many - 1, many - 1)[1]
  return many <= 0 or (last and string.sub(last, 1, 1) ~= '+')
end

local function know(known, session, began, memory, now)
  if not lasts(known, session, now) then redis.call('ZADD', known, text(FAR + began), '+' .. session) end
  redis.call('ZADD', known, text(now + memory), session)
  redis.call('ZREMRANGEBYSCORE', known, '-inf', text(now))
  redis.call('ZREMRANGEBYSCORE', known, text(FAR), text(FAR + now - math.min(memory, BEGAN_KEPT)))
  while has_sessions(known, MOST_SESSIONS + 1) do -- let go what was known first
    local name = redis.call('ZRANGE', known, 0, 0)[1]
    redis.call('ZREM', known, name, '+' .. name)
  end
  keep(known, now, now + memory)
end

-- When a known session began, or nothing where that is not known (any more).
local function began_at(known, session)
  local score = redis.call('ZSCORE', known, '+' .. session)
  return score and tonumber(score) - FAR
end

-- The name under which the end of a user's unknown sessions that have no date stands among the ended ones.
local function undated(KEYS)
  return string.match(KEYS[2], '[^:]*$')
end

-- A shard's copy of the envelope; it begins with the stamp that it belongs to. Anything else that may lie there is no copy.
local function copy_in(key)
  local found = redis.pcall('GET', key)
  return type(found) == 'string' and found or ''
end

local function store_of(stamp)
  return string.sub(stamp, 1, 22)
end

-- Until when sessions must have begun to have ended, by a record that `ended_before` has written. If this clock was set forward since
-- then, that is later by as much now, and no later than when it was noticed. One that seems to be yet to come was some time ago, and
-- this clock has been set back since: the wall clocks of the hosts tell how long ago. `key`: that of `set_in_all`.
local function before(record, now, key)
  local moment, date, total_then = string.match(record or '0', '^(%S+) ?(%S*) ?(%S*)$')
  local total, noted_at = set_in_all(key)
  local forward = total - (tonumber(total_then) or 0)
  moment = tonumber(moment)
  if forward > 0 then moment = math.max(moment, math.min(moment + forward, noted_at)) end
  if moment <= now then return moment end
  return date ~= '' and math.min(date - wall() + now, now) or now
end

-- A record that sessions from before `moment` have ended, or whatever is later in an earlier record: by this clock, and the caller's; and
-- by how much this clock had been set.
local function ended_before(moment, record, now, key)
  local latest = math.max(moment, before(record, now, key))
  return text(latest) .. ' ' .. text(latest - now + wall()) .. ' ' .. text((set_in_all(key)))
end

-- How a session has ended: 'ended', 'old' if it began before endings are remembered, or nothing. A known session is judged
-- by its name, any other by its date. `KEYS` are a user's; `who` has session, date, by and at, each may be ''.
local function ending(KEYS, who, memory, now)
  local name = who.session ~= '' and who.session or who.date
  if name ~= '' and lasts(KEYS[4], name, now) then return 'ended' end
  if who.session ~= '' and lasts(KEYS[3], who.session, now) then return nil end
  if who.by == '' then return who.session ~= '' and lasts(KEYS[4], undated(KEYS), now) and 'old' or nil end
  local of_user, of_all = redis.call('HGET', KEYS[2], 'before'), redis.call('GET', KEYS[8])
  local ahead = ahead_of(who.at, now)
  if who.by + ahead < math.max(before(of_user, now, KEYS[11]), before(of_all, now, KEYS[11])) then return 'ended' end
  if who.at + ahead <= now - memory then return 'old' end
  return nil
end

-- The place that a field of a user's hash is about.
local function place_in(field)
  return string.sub(field, string.sub(field, 1, 1) == 'o' and 24 or 2)
end

local function fingerprint_of(record)
  return string.sub(record, 33, 54)
end

local function lease_id(lease)
  return string.sub(lease, 18, 33)
end

local function is_fenced(lease)
  return string.byte(lease, 17) == 1
end

-- The lease under which a token was stored.
local function lease_of(record)
  return string.sub(record, 55, 70)
end

-- When it is certain that the token of a record has expired.
local function end_of(record)
  local _, _, moment = struct.unpack('>ddd', record)
  return moment + SAFETY
end

-- Make a token a pending revocation, due now, unless it has expired; one that is pending already stays as it is.
local function revoke(queue, records, stamp, place, record, now)
  local moment = end_of(record)
  if is_over(moment, now) then
    return 0
  end
  local name = fingerprint_of(record) .. place
  if not redis.call('ZSCORE', queue, name) then
    redis.call('HSET', records, name, struct.pack('>dI4', moment, 0) .. store_of(stamp) .. string.sub(record, 71),
      '@' .. name, struct.pack('>d', now))
    redis.call('ZADD', queue, text(now), name)
    keep(queue, now, moment + DAY)
    keep(records, now, moment + DAY)
  end
  return 1
end

-- List the user for when everything ends, as long as there is something of theirs.
local function index(KEYS, now, moment)
  local name, users = string.match(KEYS[2], '[^:]*$'), KEYS[9]
  redis.call('ZREMRANGEBYSCORE', users, '-inf', text(math.min(now, wall())))
  local until_now = redis.call('ZSCORE', users, name)
  if not until_now or tonumber(until_now) < moment then redis.call('ZADD', users, text(moment), name) end
  keep(users, now, moment)
end

-- Delete what has expired. Return what is left: for each kind of field, a list of fields and their values.
local function sweep(user, now)
  local left = { t = {}, o = {}, l = {}, r = {}, n = {} }
  local fields = redis.call('HGETALL', user)
  for i = 1, #fields, 2 do
    local kind = string.sub(fields[i], 1, 1)
    local longer = ({ l = GRACE, r = 0, n = 0 })[kind]
    local moment
    if kind == 't' or kind == 'o' then
      moment = end_of(fields[i + 1])
    elseif longer then
      moment = struct.unpack('>d', fields[i + 1]) + longer
    end
    if moment and is_over(moment, now) then
      redis.call('HDEL', user, fields[i])
    elseif moment then
      local list = left[kind]
      list[#list + 1] = { field = fields[i], value = fields[i + 1] }
    end
  end
  return left
end

-- Make tokens pending revocations, but for the youngest of them: so many are kept.
local function revoke_oldest(KEYS, stamp, tokens, keep_many, now)
  while #tokens > keep_many do -- by one, nearly always
    local oldest, oldest_at = 0, math.huge
    for i, each in ipairs(tokens) do
      local _, at = struct.unpack('>dd', each.value)
      if at < oldest_at then oldest, oldest_at = i, at end
    end
    local gone = table.remove(tokens, oldest)
    redis.call('HDEL', KEYS[2], gone.field)
    revoke(KEYS[5], KEYS[6], stamp, place_in(gone.field), gone.value, now)
  end
end
