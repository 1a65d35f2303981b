\set client random(1, 2000)
\set client_id random(1, 9000000000000000000)
\set asset random(2, 7)
\set quantity random(1000, 1000000)
\set price random(1000, 2000)
\set cash :quantity * :price / 1000
\set fee :cash / 20000 + 1
\set paid :cash + :fee
\set credit_fee 0 - :fee
\set credit_cash 0 - :cash
\set credit_quantity 0 - :quantity
BEGIN;
INSERT INTO trades (client, client_id, asset, quantity, price, cash, fee)
VALUES (:client, :client_id, :asset, :quantity, :price, :cash, :fee)
ON CONFLICT DO NOTHING RETURNING id AS number \gset
SELECT free AS held FROM balances WHERE client = :client AND asset = 1 FOR UPDATE \gset
\if :held < :paid
ROLLBACK;
\else
UPDATE balances SET free = free - :paid WHERE client = :client AND asset = 1;
UPDATE balances SET unsettled = unsettled + :quantity WHERE client = :client AND asset = :asset;
INSERT INTO postings (trade, account, client, asset, amount) VALUES
    (:number, 1, :client, 1, :paid),
    (:number, 2, 0, 1, :credit_fee),
    (:number, 3, 0, 1, :credit_cash),
    (:number, 3, 0, :asset, :quantity),
    (:number, 4, :client, :asset, :credit_quantity);
COMMIT;
\endif
