-- Parameters: method.
SELECT sha256, document FROM relaxation_recipes WHERE method = :method;
