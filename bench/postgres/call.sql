\set client random(1, 2000)
\set client_id random(1, 9000000000000000000)
\set asset random(2, 7)
\set quantity random(1000, 1000000)
\set price random(1000, 2000)
\set cash :quantity * :price / 1000
\set fee :cash / 20000 + 1
SELECT clear_trade(:client, :client_id, :asset, :quantity, :price, :cash, :fee);
