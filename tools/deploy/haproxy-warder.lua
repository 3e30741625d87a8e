-- HAProxy asks warder-agent about each request: lua-load this file, see
-- haproxy.cfg beside it.

local agent = "http://127.0.0.1:7490"   -- http_address of warder-agent

-- Sets txn.warder_status to what the agent says of the request (200: let it
-- through), txn.warder_subject and txn.warder_claims to what its token says. An
-- agent that cannot be asked is a refusal.
core.register_action("warder", {"http-req"}, function(txn)
  local token = txn.sf:req_hdr("authorization")
  local answer = core.httpclient():get{
    url = agent .. "/auth",
    headers = {authorization = {token or ""}},
    timeout = 2000,
  }
  local function header(name)
    local values = answer.headers and answer.headers[name]
    return values and values[0] or ""
  end
  txn:set_var("txn.warder_status", answer.status or 0)
  txn:set_var("txn.warder_subject", header("warder-subject"))
  txn:set_var("txn.warder_claims", header("warder-claims"))
end)
