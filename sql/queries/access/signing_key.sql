-- :purpose
SELECT secret FROM signing_keys WHERE purpose = :purpose
