#!/usr/bin/env python3
"""Goal: a future, an option and an outcome end over the wire, whatever a kill -9 comes between.

The future's last price is the average of its coin, and the option's what that is beyond its strike;
the outcome's is proposed, disputed, and proposed again. The service dies while that can still be
disputed, and pays once it is back.
"""

import asyncio
import datetime
import os
import sys
import time

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from service import SOURCE, Client, run, two_programs, uuid7, wait_until  # noqa: E402

HEAD_START = 15  # Seconds until they end: time to start, pay in and trade.
PRICES = {"USDC": "1", "DAI": "1", "ETH": "3000", "sBTC": "60000", "sETH": "3000",
          "BTC-PERP": "60000", "ETH-PERP": "3000", "ETH-SOON": "3050", "RAIN": "0.4"}
ENDING = ("ETH-SOON", "ETH-CALL", "RAIN")
LONG, SHORT = "0-1", "0-2"


def example():
    with open(os.path.join(SOURCE, "deploy/config/example.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def with_endings(at):
    """The example's world with a future and a call on ETH and a share of rain, at alpha."""
    config = example()
    listing, universe = config["listing"], config["risk"]["universe"]
    listing["assets"] += [
        {"symbol": "ETH-SOON", "scale": 9, "kind": "contract", "underlying": "ETH",
         "protocol": "perpetual-venue"},
        {"symbol": "ETH-CALL", "scale": 9, "kind": "option", "underlying": "ETH",
         "protocol": "perpetual-venue"},
        {"symbol": "RAIN", "scale": 6, "kind": "outcome", "protocol": "augur"}]
    listing["instruments"] += [
        {"symbol": "ETH-SOON", "kind": "dated_future", "base": "ETH-SOON", "settlement": "USDC",
         "expiry": {"at": at, "average_over": "4s"}},
        {"symbol": "ETH-CALL", "kind": "option", "base": "ETH-CALL", "settlement": "USDC",
         "expiry": {"at": at, "average_over": "4s"}, "option": {"type": "call", "strike": 2900}},
        {"symbol": "RAIN", "kind": "prediction", "base": "RAIN", "settlement": "USDC",
         "expiry": {"at": at, "dispute_for": "4s"}}]
    venue = listing["shards"][2]
    perp = next(one for one in universe["wrappers"] if one["name"] == "ETH-PERP")
    universe["wrappers"].append({**perp, "name": "ETH-SOON"})
    universe["protocols"].append(
        {"name": "augur", "default_year": 0.02, "loss_given_default": 1, "depegs": []})
    universe["instruments"] += [
        {"name": "ETH-SOON", "kind": "future", "wrapper": "ETH-SOON", "venue": "perpetual-venue"},
        {"name": "ETH-CALL", "kind": "option", "underlying": "ETH", "hedged_with": "ETH-SOON",
         "type": "call", "strike": 2900, "forward": 3000, "volatility": 0.6, "days": 1,
         "half_spread": 0.01, "volatility_published": True, "protocols": ["perpetual-venue"]},
        {"name": "RAIN", "kind": "binary", "event": "rain", "outcome": 0, "outcomes": 2,
         "mark": 0.4, "half_spread": 0.01, "protocols": ["augur"]}]
    for symbol in ENDING:
        venue["assets"].append(symbol)
        venue["instruments"].append(symbol)
        config["simulated"][2]["venues"].append(
            {"instrument": symbol, "half_spread_ppm": 200, "impact_at_capacity_ppm": 1000,
             "capacity_per_block": 100000})
        broker = config["brokers"][0]
        broker["instruments"].append(symbol)
        broker["hedge"]["bands"].append({"asset": symbol, "band_usd": 25000})
    return {name: config[name] for name in ("listing", "risk", "brokers", "simulated")}


async def operator_of(service):
    client = await Client.connect(service.port)
    assert "result" in await client.log_in("operator", "demo-operator-not-a-secret")
    return client


async def publish(service):
    oracle = await operator_of(service)
    refused = await oracle.call("oracle/publish_marks", marks=[{"asset": "RAIN", "price": "1.01"}])
    assert refused["error"]["code"] == -32602, refused
    derived = await oracle.call("oracle/publish_marks", marks=[{"asset": "ETH-CALL", "price": "1"}])
    assert derived["error"]["code"] == -32602, derived
    answer = await oracle.call(
        "oracle/publish_marks",
        marks=[{"asset": asset, "price": price} for asset, price in PRICES.items()],
        indices=[{"asset": "ETH-CALL", "index": "0.5"}])
    assert "result" in answer, answer
    await oracle.socket.close()


async def usdc_of(service, account):
    client = await Client.open(service.port, account)
    lines = (await client.call("private/get_account", account=account))["result"]["balances"]
    await client.socket.close()
    return sum(float(line["free"]) + float(line["unsettled"]) - float(line["owed"])
               for line in lines if line["asset"] == "USDC")


async def positions_of(service, account):
    client = await Client.open(service.port, account)
    lines = (await client.call("private/get_positions", account=account))["result"]["positions"]
    await client.socket.close()
    return {line["asset"]: float(line["quantity"]) for line in lines}


async def trade(service, account, instrument, side, quantity):
    client = await Client.open(service.port, account)
    answer = await client.call("private/submit_trade", account=account, instrument=instrument,
                               side=side, quantity=quantity, client_id=uuid7(),
                               limit_price="1000000" if side == "buy" else "0.000000001")
    await client.socket.close()
    return answer


async def line_of(operator, instrument):
    expiries = (await operator.call("operator/get_expiries"))["result"]["expiries"]
    assert [(line["instrument"], line["broker"]) for line in expiries] == [
        (ending, broker) for ending in ENDING for broker in (0, 1)], expiries
    return next(line for line in expiries if line["instrument"] == instrument)


async def before(service):
    """All are traded, and are no one's to end yet."""
    await publish(service)
    for account, side, instrument, quantity in ((LONG, "buy", "ETH-SOON", "10"),
                                                (SHORT, "sell", "ETH-SOON", "5"),
                                                (LONG, "buy", "ETH-CALL", "4"),
                                                (SHORT, "sell", "ETH-CALL", "2"),
                                                (LONG, "buy", "RAIN", "1000"),
                                                (SHORT, "sell", "RAIN", "1000")):
        answer = await trade(service, account, instrument, side, quantity)
        assert "result" in answer, answer
    client = await Client.connect(service.port)
    listed = (await client.call("public/get_instruments"))["result"]["instruments"]
    await client.socket.close()
    by_name = {line["instrument"]: line for line in listed}
    assert by_name["RAIN"]["dispute_for"] == 4_000_000, listed
    call = by_name["ETH-CALL"]
    assert (call["kind"], call["option_type"], call["strike"]) == ("option", "call", "2900"), call
    operator = await operator_of(service)
    early = await operator.call("operator/propose_price", instrument="RAIN", price="1",
                                client_id=uuid7())
    assert early["error"]["data"]["reason"] == "contract_not_expired", early
    perpetual = await operator.call("operator/propose_price", instrument="BTC-PERP", price="1",
                                    client_id=uuid7())
    assert perpetual["error"]["data"]["reason"] == "contract_not_expired", perpetual
    assert (await line_of(operator, "RAIN"))["state"] == "trading"
    await operator.socket.close()


async def dispute(service):
    """Future and option have ended by themselves; the outcome is proposed, disputed, proposed."""
    operator = await operator_of(service)
    async with asyncio.timeout(30):
        while (await line_of(operator, "ETH-SOON"))["state"] != "fixed":
            await asyncio.sleep(.1)
    assert (await line_of(operator, "ETH-SOON"))["price"] == "3000"
    assert (await line_of(operator, "ETH-CALL"))["price"] == "100"
    assert (await line_of(operator, "RAIN"))["state"] == "waiting"
    late = await trade(service, LONG, "RAIN", "sell", "1")
    assert late["error"]["data"]["reason"] == "contract_has_expired", late
    wrong = dict(instrument="RAIN", price="1", client_id=uuid7())
    for _ in range(2):  # A repeat says the same.
        said = (await operator.call("operator/propose_price", **wrong))["result"]["expiries"]
        assert [line["state"] for line in said] == ["proposed"] * 2, said
    reused = await operator.call("operator/propose_price", **{**wrong, "price": "0"})
    assert reused["error"]["code"] == 11010, reused
    said = await operator.call("operator/dispute_price", instrument="RAIN",
                               reason="it rained elsewhere", client_id=uuid7())
    assert said["result"]["expiries"][0]["state"] == "disputed", said
    again = await operator.call("operator/propose_price", instrument="RAIN", price="0",
                                client_id=uuid7())
    assert again["result"]["expiries"][0]["state"] == "proposed", again
    await operator.socket.close()


async def is_over(service):
    for account in (LONG, SHORT):
        if set(ENDING) & set(await positions_of(service, account)):
            return False
    return True


async def after(service, paid_in):
    # Ten coins bought at 3,050 and a spread, and they ended at 3,000; five sold. Four calls bought
    # at 150 and a spread, which paid 100; two sold. A thousand shares at 40 cents and a spread are
    # lost by one, and won less a spread by the other.
    for account, expected in ((LONG, -10 * 50.61 - 4 * 51.5 - 404),
                              (SHORT, 5 * 49.39 + 2 * 48.5 + 396)):
        won = await usdc_of(service, account) - paid_in
        assert abs(won - expected) < 25, (account, won, expected)  # The rest are fees.
    refused = await trade(service, LONG, "ETH-SOON", "buy", "0.1")
    assert refused["error"]["data"]["reason"] == "contract_has_expired", refused


def main():
    end = time.time() + HEAD_START
    at = datetime.datetime.fromtimestamp(end, datetime.timezone.utc)
    with two_programs() as both:
        both.configure(marks={"source": "none"}, **with_endings(f"{at:%Y-%m-%dT%H:%M:%SZ}"))
        both.start_world()
        both.start_service("--create")
        for account in (LONG, SHORT):
            status, out = run("world", "--config", both.config, "deposit", "--shard", "perpetuals",
                              "--account", account, "--asset", "USDC", "--amount", "50000")
            assert status == 0, (status, out)
        wait_until(lambda: all(asyncio.run(usdc_of(both.service, account)) == 50_000
                               for account in (LONG, SHORT)), "the deposits to become final", 60)
        asyncio.run(before(both.service))
        assert time.time() < end, "a slow machine: HEAD_START is too short"
        asyncio.run(dispute(both.service))
        both.service.kill()
        both.start_service()
        wait_until(lambda: asyncio.run(is_over(both.service)), "all positions to end", 60)
        asyncio.run(after(both.service, 50_000))
        both.finish()
        status, out = run("audit", "--config", both.config)
        assert status == 0 and "audit ok" in out, (status, out)


if __name__ == "__main__":
    main()
