-- The five policies in DuckDB's SQL, where NULL is unknown. $snapshot is the file.

-- A test of a fact: unknown if it was not answered or is of another type, false if it is known to be null.
CREATE MACRO equals(facts, name, wanted) AS CASE json_type(facts, name)
  WHEN 'NULL' THEN FALSE
  WHEN json_type(wanted) THEN (facts -> name) = wanted
END;
CREATE MACRO known_null(facts, name) AS json_type(facts, name) = 'NULL';
CREATE MACRO domain_of(email) AS lower(list_extract(split(email, '@'), -1));
CREATE MACRO domain_in(facts, domains, complete) AS CASE json_type(facts, 'email')
  WHEN 'NULL' THEN FALSE
  WHEN 'VARCHAR' THEN CASE WHEN list_contains(domains, domain_of(facts ->> 'email')) THEN TRUE WHEN complete THEN FALSE END
END;
CREATE MACRO within(facts, name, span, since) AS
  CAST(facts ->> name AS TIMESTAMPTZ) <= CAST(facts ->> since AS TIMESTAMPTZ) + span;
-- True if all are, and of no items at all; unknown of what is no list.
CREATE MACRO all_of(truths) AS CASE
  WHEN list_contains(truths, FALSE) THEN FALSE
  WHEN list_count(truths) < len(truths) THEN NULL
  WHEN truths IS NOT NULL THEN TRUE
END;
CREATE MACRO items(facts, name) AS CASE json_type(facts, name) WHEN 'ARRAY' THEN CAST(facts -> name AS JSON[]) END;

CREATE TEMP TABLE records AS
  SELECT * FROM read_json(
    $snapshot,
    format = 'newline_delimited',
    columns = {type: 'VARCHAR', kind: 'VARCHAR', id: 'VARCHAR', parent: 'VARCHAR', facts: 'JSON'}
  )
  WHERE kind IN ('org.domain', 'org.user', 'org.group', 'org.api_token', 'jira.permission_scheme');

-- What may be trusted: the verified domains, if all were told.
CREATE TEMP TABLE trusted AS
  SELECT
    list(domain_of(facts ->> 'name')) FILTER (equals(facts, 'claim_status', '"verified"')) || ['acme.example'] AS domains,
    NOT bool_or(type = 'gap' OR equals(facts, 'claim_status', '"verified"') IS NULL) AS complete
  FROM records WHERE kind = 'org.domain';

-- Where a policy applies, and what it requires.
CREATE TEMP VIEW judged AS
  SELECT
    'identity/two-step-verification' AS policy, type, kind, id, parent,
    equals(facts, 'account_type', '"atlassian"') AND equals(facts, 'status', '"active"')
      AND equals(facts, 'claim_status', '"managed"') AS applies,
    equals(facts, 'mfa_enabled', 'true') OR domain_in(facts, [], TRUE) AS required
  FROM records WHERE kind = 'org.user'
  UNION ALL
  SELECT
    'access/no-unmanaged-users', type, kind, id, parent,
    equals(facts, 'account_type', '"atlassian"') AND equals(facts, 'status', '"active"')
      AND len(items(facts, 'product_access')) > 0,
    equals(facts, 'claim_status', '"managed"') OR domain_in(facts, trusted.domains, trusted.complete)
  FROM records, trusted WHERE kind = 'org.user'
  UNION ALL
  SELECT
    'access/no-default-access-groups', type, kind, id, parent, TRUE,
    all_of(list_transform(items(facts, 'role_assignments'), lambda each: known_null(each, 'default_role')))
  FROM records WHERE kind = 'org.group'
  UNION ALL
  SELECT
    'jira/no-anonymous-permissions', type, kind, id, parent,
    equals(facts, 'in_use', 'true'),
    all_of(list_transform(items(facts, 'grants'), lambda each: NOT equals(each, 'holder_type', '"anyone"')))
  FROM records WHERE kind = 'jira.permission_scheme'
  UNION ALL
  SELECT
    'identity/api-tokens-expire', type, kind, id, parent,
    NOT equals(facts, 'status', '"BLOCKED"'),
    NOT known_null(facts, 'expires_at') AND within(facts, 'expires_at', INTERVAL 365 DAYS, 'created_at')
  FROM records WHERE kind = 'org.api_token';

SELECT
  concat_ws(
    chr(9), policy,
    CASE type WHEN 'gap' THEN coalesce(parent, kind) ELSE kind || '/' || id END,
    CASE WHEN type = 'gap' OR applies IS NULL OR required IS NULL THEN 'unknown' ELSE 'fail' END
  )
FROM judged
WHERE type = 'gap' OR (applies AND required) IS DISTINCT FROM TRUE AND applies IS DISTINCT FROM FALSE;
