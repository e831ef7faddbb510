-- One attempt is counted after the other.
LOCK TABLE sign_in_attempts IN SHARE ROW EXCLUSIVE MODE
