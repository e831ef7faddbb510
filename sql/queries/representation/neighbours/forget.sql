-- Forget the components of every backbone.
DELETE FROM vector_bases;
