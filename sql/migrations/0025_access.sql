-- Who may use the API: people and their roles, how they sign in, and what a token may do.

CREATE TABLE users (
    user_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CHECK (name <> ''),
    role          text NOT NULL CHECK (role IN ('viewer', 'reviewer', 'admin')),
    password_hash text,
    created_at    timestamptz NOT NULL DEFAULT now()
);
-- Names that differ in capitals alone would be taken for one another.
CREATE UNIQUE INDEX users_name ON users (lower(name));

CREATE TABLE sessions (
    session_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256       text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE sign_in_links (
    sha256     text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX sign_in_links_user ON sign_in_links (user_id);

CREATE TABLE sign_in_attempts (
    attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    address    text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_attempts_at ON sign_in_attempts (at);

-- A session's cookie is signed, so that what was made up is refused without a look at the sessions.
CREATE TABLE signing_keys (
    purpose text PRIMARY KEY,
    secret  text NOT NULL DEFAULT replace(CAST(gen_random_uuid() AS text) || CAST(gen_random_uuid() AS text), '-', '')
);
INSERT INTO signing_keys (purpose) VALUES ('session');

ALTER TABLE api_tokens DROP CONSTRAINT api_tokens_may_check;
ALTER TABLE api_tokens ADD CONSTRAINT api_tokens_may_check
    CHECK (may <@ ARRAY['read', 'results', 'review', 'admin'] AND cardinality(may) > 0);

-- The API looks who somebody is and opens sessions; users, roles, passwords and links are the owner's to make.
GRANT SELECT ON users, signing_keys TO catalyst_app;
GRANT SELECT, INSERT, DELETE, UPDATE (last_seen_at, ended_at) ON sessions TO catalyst_app;
GRANT SELECT, UPDATE (used_at) ON sign_in_links TO catalyst_app;
GRANT SELECT, INSERT, DELETE ON sign_in_attempts TO catalyst_app;

COMMENT ON TABLE users IS 'A person who may sign in.';
COMMENT ON COLUMN users.user_id IS 'Number of the user.';
COMMENT ON COLUMN users.name IS 'Name: decisions and results carry it.';
COMMENT ON COLUMN users.role IS 'What the user may do: a viewer reads, a reviewer also decides and sends results, an admin also runs campaigns.';
COMMENT ON COLUMN users.password_hash IS 'Argon2 hash of the password; null for who signs in by a link or a proxy only.';
COMMENT ON COLUMN users.created_at IS 'When it was made.';
COMMENT ON TABLE sessions IS 'A browser in which a user is signed in.';
COMMENT ON COLUMN sessions.session_id IS 'Number of the session.';
COMMENT ON COLUMN sessions.user_id IS 'Whose it is.';
COMMENT ON COLUMN sessions.sha256 IS 'Hash of what the cookie holds; the cookie itself is kept nowhere.';
COMMENT ON COLUMN sessions.created_at IS 'When the user signed in.';
COMMENT ON COLUMN sessions.last_seen_at IS 'When it was last used, to the minute.';
COMMENT ON COLUMN sessions.expires_at IS 'When it ends by itself.';
COMMENT ON COLUMN sessions.ended_at IS 'When the user signed out, or was signed out.';
COMMENT ON TABLE sign_in_links IS 'A link that signs a user in, once.';
COMMENT ON COLUMN sign_in_links.sha256 IS 'Hash of what the link holds; the link itself is kept nowhere.';
COMMENT ON COLUMN sign_in_links.user_id IS 'Whom it signs in.';
COMMENT ON COLUMN sign_in_links.created_at IS 'When it was made.';
COMMENT ON COLUMN sign_in_links.expires_at IS 'When it ends.';
COMMENT ON COLUMN sign_in_links.used_at IS 'When it was used; null while it was not.';
COMMENT ON TABLE sign_in_attempts IS 'An attempt to sign in that failed or still goes on.';
COMMENT ON COLUMN sign_in_attempts.attempt_id IS 'Number of the attempt.';
COMMENT ON COLUMN sign_in_attempts.name IS 'As whom, in lower case; empty for a link.';
COMMENT ON COLUMN sign_in_attempts.address IS 'From where.';
COMMENT ON COLUMN sign_in_attempts.at IS 'When.';
COMMENT ON TABLE signing_keys IS 'A key that cookies are signed with.';
COMMENT ON COLUMN signing_keys.purpose IS 'What it signs.';
COMMENT ON COLUMN signing_keys.secret IS 'The key, random.';
COMMENT ON COLUMN api_tokens.may IS 'What may be done with it: read; results (also send, correct and retract them, start validation); review (also decide); admin (everything).';
