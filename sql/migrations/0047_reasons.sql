-- Why records were set aside, told apart by what is wrong and not by the numbers and names in it: many have one reason.

CREATE FUNCTION reason_kind(reason text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(regexp_replace(
        regexp_replace(reason, $r$'[^']*'|"[^"]*"$r$, '…', 'g'),
        '(?<![[:alnum:]_.])[-−]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![[:alnum:]_])', '…', 'g'
    ), 300)
$$;

CREATE INDEX quarantine_reasons ON quarantine (source, reason_kind(reason), quarantine_id);
