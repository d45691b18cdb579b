# The five policies in Rego: null is unknown. The input holds all records.
package benchmark

import rego.v1

missing := "\u0000missing"

all3(truths) := false if false in truths

all3(truths) := null if {
	null in truths
	not false in truths
}

all3(truths) := true if {
	not null in truths
	not false in truths
}

not3(true) := false

not3(false) := true

not3(null) := null

any3(truths) := not3(all3([not3(truth) | some truth in truths]))

# A test of a fact: unknown if it was not answered, false if it is known to be null.
equals(facts, name, value) := same(object.get(facts, name, missing), value)

same(fact, value) := fact == value if {
	fact != missing
	type_name(fact) == type_name(value)
}

same(null, _) := false

same(fact, value) := null if {
	not fact == null
	not comparable(fact, value)
}

comparable(fact, value) if {
	fact != missing
	type_name(fact) == type_name(value)
}

known_null(facts, name) := is_null_value(object.get(facts, name, missing))

is_null_value(fact) := fact == null if fact != missing

is_null_value(fact) := null if fact == missing

not_empty(list) := count(list) > 0 if is_array(list)

not_empty(list) := null if not is_array(list)

# What may be trusted: the verified domains, if all were told.
trusted contains "acme.example"

trusted contains lower(record.facts.name) if {
	some record in input.records
	record.kind == "org.domain"
	record.type == "resource"
	equals(record.facts, "claim_status", "verified") == true
}

default trusted_is_complete := false

trusted_is_complete if {
	count([record |
		some record in input.records
		record.kind == "org.domain"
		untold(record)
	]) == 0
}

untold(record) if record.type == "gap"

untold(record) if equals(record.facts, "claim_status", "verified") == null

domain_in(facts, domains, complete) := listed(object.get(facts, "email", missing), domains, complete)

listed(email, domains, _) := true if holds(email, domains)

listed(email, domains, complete) := null if {
	not holds(email, domains)
	not rules_out(email, complete)
}

listed(email, domains, complete) := false if {
	not holds(email, domains)
	rules_out(email, complete)
}

holds(email, domains) if {
	parts := split(lower(email), "@")
	parts[count(parts) - 1] in domains
}

rules_out(email, _) if email == null

rules_out(email, true) if email != missing

within(facts, name, days, of) := later - earlier <= ((days * 24) * 3600) * 1000000000 if {
	both_texts(facts, name, of)
	later := time.parse_rfc3339_ns(facts[name])
	earlier := time.parse_rfc3339_ns(facts[of])
}

within(facts, name, _, of) := null if not both_texts(facts, name, of)

both_texts(facts, name, of) if {
	is_string(facts[name])
	is_string(facts[of])
}

# Where a policy applies, and what it requires.
judged("org.user", facts) := [
	{
		"policy": "identity/two-step-verification",
		"where": all3([
			equals(facts, "account_type", "atlassian"),
			equals(facts, "status", "active"),
			equals(facts, "claim_status", "managed"),
		]),
		"require": any3([equals(facts, "mfa_enabled", true), domain_in(facts, set(), true)]),
	},
	{
		"policy": "access/no-unmanaged-users",
		"where": all3([
			equals(facts, "account_type", "atlassian"),
			equals(facts, "status", "active"),
			not_empty(object.get(facts, "product_access", missing)),
		]),
		"require": any3([equals(facts, "claim_status", "managed"), domain_in(facts, trusted, trusted_is_complete)]),
	},
]

judged("org.group", facts) := [{
	"policy": "access/no-default-access-groups",
	"where": true,
	"require": no_default_role(object.get(facts, "role_assignments", missing)),
}]

judged("jira.permission_scheme", facts) := [{
	"policy": "jira/no-anonymous-permissions",
	"where": equals(facts, "in_use", true),
	"require": no_grant_to_anyone(object.get(facts, "grants", missing)),
}]

judged("org.api_token", facts) := [{
	"policy": "identity/api-tokens-expire",
	"where": not3(equals(facts, "status", "BLOCKED")),
	"require": all3([not3(known_null(facts, "expires_at")), within(facts, "expires_at", 365, "created_at")]),
}]

no_default_role(assignments) := all3([known_null(each, "default_role") | some each in assignments]) if is_array(assignments)

no_default_role(assignments) := null if not is_array(assignments)

no_grant_to_anyone(grants) := all3([not3(equals(each, "holder_type", "anyone")) | some each in grants]) if is_array(grants)

no_grant_to_anyone(grants) := null if not is_array(grants)

verdict(judgement) := "unknown" if judgement.where == null

verdict(judgement) := "unknown" if {
	judgement.where == true
	judgement.require == null
}

verdict(judgement) := "fail" if {
	judgement.where == true
	judgement.require == false
}

findings := array.concat(of_resources, of_gaps)

of_resources := [line |
	some record in input.records
	record.type == "resource"
	some judgement in judged(record.kind, record.facts)
	line := sprintf("%s\t%s/%s\t%s", [judgement.policy, record.kind, record.id, verdict(judgement)])
]

of_gaps := [line |
	some record in input.records
	record.type == "gap"
	some judgement in judged(record.kind, {})
	line := sprintf("%s\t%s\tunknown", [judgement.policy, object.get(record, "parent", record.kind)])
]
