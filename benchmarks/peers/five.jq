# The five policies in jq: null is unknown. Run as `jq --null-input --raw-output --from-file five.jq SNAPSHOT`.

def all3: if any(.[]; . == false) then false elif any(.[]; . == null) then null else true end;
def any3: if any(.[]; . == true) then true elif any(.[]; . == null) then null else false end;
def not3: if . == null then null else not end;

# A test of the fact of this name: unknown if it was not answered, false if it is known to be null.
def fact($name; test):
  if has($name) | not then null
  elif .[$name] == null then false
  else .[$name] | test end;
def equals($name; $value): fact($name; if type == ($value | type) then . == $value else null end);
def known_null($name): if has($name) then .[$name] == null else null end;
def every($name; test): if .[$name] | type == "array" then [.[$name][] | test] | all3 else null end;
def none($name; test): every($name; test | not3);
def not_empty($name): fact($name; if type == "array" then length > 0 else null end);

def domain: ascii_downcase | split("@")[-1];
def domain_in($name; $known):
  fact($name; if type != "string" then null elif $known.domains[domain] then true elif $known.complete then false else null end);
def moment($name): if .[$name] | type == "string" then .[$name] | fromdateiso8601 else null end;
def within($name; $days; $of):
  if moment($name) == null or moment($of) == null then null else moment($name) - moment($of) <= $days * 86400 end;

# Where a policy applies, and what it requires.
def judged($known):
  if .kind == "org.user" then .facts |
    {
      policy: "identity/two-step-verification",
      where: [equals("account_type"; "atlassian"), equals("status"; "active"), equals("claim_status"; "managed")] | all3,
      require: [equals("mfa_enabled"; true), domain_in("email"; {domains: {}, complete: true})] | any3
    }, {
      policy: "access/no-unmanaged-users",
      where: [equals("account_type"; "atlassian"), equals("status"; "active"), not_empty("product_access")] | all3,
      require: [equals("claim_status"; "managed"), domain_in("email"; $known)] | any3
    }
  elif .kind == "org.group" then .facts |
    {policy: "access/no-default-access-groups", where: true, require: every("role_assignments"; known_null("default_role"))}
  elif .kind == "jira.permission_scheme" then .facts |
    {
      policy: "jira/no-anonymous-permissions",
      where: equals("in_use"; true),
      require: none("grants"; equals("holder_type"; "anyone"))
    }
  elif .kind == "org.api_token" then .facts |
    {
      policy: "identity/api-tokens-expire",
      where: (equals("status"; "BLOCKED") | not3),
      require: [(known_null("expires_at") | not3), within("expires_at"; 365; "created_at")] | all3
    }
  else empty end;

def verdict:
  if .where == false or (.where and .require) then empty
  elif .where == null or .require == null then "unknown"
  else "fail" end;

# What may be trusted: the verified domains, which come before the people.
def learned($record):
  if $record.kind != "org.domain" then .
  elif $record.type == "gap" then .complete = false
  elif $record.facts | equals("claim_status"; "verified") then .domains[$record.facts.name | domain] = true
  elif $record.facts | equals("claim_status"; "verified") == null then .complete = false
  else . end;

foreach inputs as $record ({domains: {"acme.example": true}, complete: true}; learned($record);
  . as $known
  | $record
  | if .type == "gap" then . + {facts: {}} | judged($known) | "\(.policy)\t\($record.parent // $record.kind)\tunknown"
    else judged($known) | verdict as $verdict | "\(.policy)\t\($record.kind)/\($record.id)\t\($verdict)" end)
