-- The audit log, the ledger, the grants, the prices and the statements are append-only: no line of them
-- is ever changed or deleted.
CREATE OR REPLACE FUNCTION reelgate_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s takes no %s', TG_TABLE_NAME, TG_OP);
END $$;

CREATE OR REPLACE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER grants_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON grants
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER prices_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON prices
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER price_withdrawals_kept BEFORE UPDATE OR DELETE OR TRUNCATE
    ON price_withdrawals FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER statements_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON statements
    FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();

CREATE OR REPLACE TRIGGER statement_lines_kept BEFORE UPDATE OR DELETE OR TRUNCATE
    ON statement_lines FOR EACH STATEMENT EXECUTE FUNCTION reelgate_append_only();
