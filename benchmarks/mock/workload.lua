-- One chat completion after another; every body differs, so that nothing can be answered from a cache of bodies.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer bench"
local n = 0
request = function()
  n = n + 1
  local body = '{"model":"gpt-4o","messages":[{"role":"system","content":"You are a careful assistant."},'
    .. '{"role":"user","content":"Question ' .. n .. ': what is the answer?"}]}'
  return wrk.format(nil, nil, nil, body)
end
