-- The double entry of a trade in PostgreSQL, as a broker would keep it: what an account holds, what
-- it traded, and postings that sum to zero per asset. Amounts are integers in minor units, as ours.
-- Indexes are those that the work needs; an auditor's are left out, to PostgreSQL's advantage.

CREATE TABLE balances (
    client integer NOT NULL,
    asset smallint NOT NULL,
    free bigint NOT NULL DEFAULT 0 CHECK (free >= 0),
    unsettled bigint NOT NULL DEFAULT 0 CHECK (unsettled >= 0),
    PRIMARY KEY (client, asset)
) WITH (fillfactor = 50);

CREATE TABLE trades (
    id bigint GENERATED ALWAYS AS IDENTITY,
    client integer NOT NULL,
    client_id bigint NOT NULL,
    asset smallint NOT NULL,
    quantity bigint NOT NULL,
    price bigint NOT NULL,
    cash bigint NOT NULL,
    fee bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client, client_id)
);

-- debit is positive, credit is negative
CREATE TABLE postings (
    trade bigint NOT NULL,
    account smallint NOT NULL,
    client integer NOT NULL,
    asset smallint NOT NULL,
    amount bigint NOT NULL
);

-- 1 is the settlement token; 2 to 7 are what is traded.
INSERT INTO balances (client, asset, free, unsettled)
SELECT client, asset, CASE WHEN asset = 1 THEN 9000000000000000 ELSE 0 END, 0
FROM generate_series(1, 2000) AS client, generate_series(1, 7) AS asset;

-- The same as trade.sql in one call: idempotence, lock and check, balances, trade and postings.
-- Returns the trade's number, or nothing where the balance does not suffice.
CREATE FUNCTION clear_trade(
    the_client integer, the_id bigint, the_asset smallint, the_quantity bigint, the_price bigint,
    the_cash bigint, the_fee bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
    held bigint;
BEGIN
    INSERT INTO trades (client, client_id, asset, quantity, price, cash, fee)
    VALUES (the_client, the_id, the_asset, the_quantity, the_price, the_cash, the_fee)
    ON CONFLICT DO NOTHING RETURNING id INTO number;
    IF number IS NULL THEN
        SELECT id INTO number FROM trades WHERE client = the_client AND client_id = the_id;
        RETURN number;
    END IF;
    SELECT free INTO held FROM balances WHERE client = the_client AND asset = 1 FOR UPDATE;
    IF held < the_cash + the_fee THEN
        RAISE EXCEPTION 'balance does not suffice';
    END IF;
    UPDATE balances SET free = free - the_cash - the_fee WHERE client = the_client AND asset = 1;
    UPDATE balances SET unsettled = unsettled + the_quantity
    WHERE client = the_client AND asset = the_asset;
    INSERT INTO postings (trade, account, client, asset, amount) VALUES
        (number, 1, the_client, 1, the_cash + the_fee),
        (number, 2, 0, 1, -the_fee),
        (number, 3, 0, 1, -the_cash),
        (number, 3, 0, the_asset, the_quantity),
        (number, 4, the_client, the_asset, -the_quantity);
    RETURN number;
END
$$;

VACUUM ANALYZE;
