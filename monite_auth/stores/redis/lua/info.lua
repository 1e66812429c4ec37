-- What the server says of itself, or nothing where the user may not ask. It has no shebang, so that servers too old
-- for the rest can be told apart.
local info = redis.pcall('INFO')
return type(info) == 'string' and info or ''
