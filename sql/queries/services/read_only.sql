-- Refuse every change until the end of the transaction.
SET TRANSACTION READ ONLY;
