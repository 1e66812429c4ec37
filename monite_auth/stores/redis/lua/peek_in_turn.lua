#!lua flags=allow-oom
-- Peek; if there is a token, take a turn in the request budget at the same moment, and answer with both.
-- KEYS: those of peek, then the budget's. ARGV: those of peek, then those of budget, then those of the clock.
local TURN, CLOCK = 16, 3 -- how many there are of the latter two
local token = run_peek(KEYS, ARGV)
if not token or token == 'foreign' then return token end
local turn = run_budget({ KEYS[#KEYS] }, { unpack(ARGV, #ARGV - CLOCK - TURN + 1, #ARGV - CLOCK) })
return { token, unpack(turn) }
