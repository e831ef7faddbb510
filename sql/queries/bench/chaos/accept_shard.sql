DROP TRIGGER IF EXISTS bench_refuse ON predictions;
DROP FUNCTION IF EXISTS bench_refuse()
