#!/usr/bin/env python3
"""Goal: docs/asyncapi.yaml is whole, and what travels over the wire is what it says.

First the document itself: every reference leads somewhere, every operation speaks messages of its
channel, every schema is one. Then a client calls every method of a live service, rightly and
wrongly, and follows every kind of channel; each frame, both ways, must fit the schema that the
document names for it, and every reply schema must have been met.
"""

import asyncio
import copy
import json
import os
import sys
import tempfile

import jsonschema
import yaml

sys.path.insert(0, os.path.dirname(__file__))
from service import SOURCE, Client, Demo, uuid7  # noqa: E402

ACCOUNT = "0-1"
Schema = jsonschema.Draft7Validator


def load():
    with open(os.path.join(SOURCE, "docs/asyncapi.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def resolve(document, reference):
    assert reference.startswith("#/"), f"a reference out of the document: {reference}"
    node = document
    for part in reference[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        assert isinstance(node, dict) and part in node, f"{reference} leads nowhere"
        node = node[part]
    return node


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def only(node, required, optional=()):
    """The members that AsyncAPI 3.0 knows here and this document uses, and no others."""
    assert set(required) <= set(node), (sorted(node), required)
    assert set(node) <= set(required) | set(optional), (sorted(node), required, optional)


def check_document(document):
    only(document, ("asyncapi", "info", "channels", "operations", "components"),
         ("defaultContentType", "servers"))
    assert document["asyncapi"] == "3.0.0"
    only(document["info"], ("title", "version"), ("license", "description"))
    for server in document["servers"].values():
        only(server, ("host", "protocol"), ("pathname", "description"))
    for reference in references(document):
        resolve(document, reference)
    for channel in document["channels"].values():
        only(channel, ("address", "messages"), ("description",))
        assert channel["address"] == "/ws/v1"
    for message in document["components"]["messages"].values():
        only(message, ("name", "payload"), ("summary",))
    for schema in document["components"]["schemas"].values():
        Schema.check_schema(schema)
    methods = {method_of(document, name) for name in document["operations"]}
    assert len(methods) == len(document["operations"]), "two operations for one method"
    spoken = set()
    for name, operation in document["operations"].items():
        only(operation, ("action", "channel", "messages"), ("summary", "reply"))
        assert operation["action"] == ("receive" if "reply" in operation else "send"), name
        for side in (operation, operation.get("reply")):
            if side is None:
                continue
            channel = side["channel"]["$ref"]
            for message in side["messages"]:
                assert message["$ref"].startswith(channel + "/messages/"), (name, message)
                spoken.add(message["$ref"].rsplit("/", 1)[1])
    assert spoken == set(document["components"]["messages"]), "a message nobody speaks"


def method_of(document, operation):
    message = document["operations"][operation]["messages"][0]["$ref"].rsplit("/", 1)[1]
    return document["components"]["messages"][message]["name"]


def check_document_can_fail(document):
    def lost_schema(it):
        del it["components"]["schemas"]["Amount"]

    def bad_schema(it):
        it["components"]["schemas"]["Amount"]["type"] = "decimal"

    def strange_member(it):
        next(iter(it["operations"].values()))["colour"] = "red"

    def unspoken(it):
        it["components"]["messages"]["Whisper"] = {"name": "w", "payload": {"type": "object"}}

    for damage in (lost_schema, bad_schema, strange_member, unspoken):
        damaged = copy.deepcopy(document)
        damage(damaged)
        try:
            check_document(damaged)
        except (AssertionError, jsonschema.SchemaError):
            continue
        raise SystemExit(f"the document passed with {damage.__name__}")


class Contract:
    """Which schema a frame has to fit, by its method or by the request it answers."""

    def __init__(self, document):
        self.document = document
        self.validators = {}
        self.met = {}
        self.operations = {method_of(document, name): name for name in document["operations"]}

    def validator(self, message):
        if message not in self.validators:
            payload = self.document["components"]["messages"][message]["payload"]
            self.validators[message] = Schema({**payload, "$ref": payload["$ref"]},
                                              resolver=jsonschema.RefResolver("", self.document))
        return self.validators[message]

    def check(self, message, frame):
        errors = [f"{list(e.absolute_path)}: {e.message}"
                  for e in self.validator(message).iter_errors(frame)]
        assert not errors, f"no {message}: {json.dumps(frame)[:600]}\n  " + "\n  ".join(errors)
        self.met[message] = self.met.get(message, 0) + 1

    def check_session(self, client, strays):
        """All frames of a session. `strays` are requests that are wrong on purpose, by id."""
        method_by_id = {}
        for text in client.sent:
            try:
                frame = json.loads(text)
            except ValueError:
                continue
            for request in frame if isinstance(frame, list) else [frame]:
                if request.get("id") in strays or request.get("method") not in self.operations:
                    continue
                self.check(self.operations[request["method"]] + "Request", request)
                method_by_id[request["id"]] = request["method"]
        for text in client.received:
            frame = json.loads(text)
            for answer in frame if isinstance(frame, list) else [frame]:
                self.check(self.message_of(answer, method_by_id), answer)

    def message_of(self, answer, method_by_id):
        if "method" in answer:
            return answer["method"].capitalize()
        if "error" in answer:
            return "ErrorReply"
        return self.operations[method_by_id[answer["id"]]] + "Reply"


async def speak(client):
    """Every method that needs no login or an account's, and every channel, on one session."""
    result = {}

    async def well(method, **params):
        answer = await client.call(method, **params)
        assert "result" in answer, (method, answer)
        result[method] = answer["result"]
        return answer["result"]

    for method in ("hello", "ping", "get_time", "get_instruments", "get_shards", "get_brokers"):
        await well("public/" + method)
    await well("public/set_heartbeat", interval_ms=60_000)
    await well("public/subscribe",
               channels=["marks.sBTC", "shards.health", "broker.0.transparency"])
    await well("private/subscribe", channels=[
        f"account.{ACCOUNT}.{kind}" for kind in ("trades", "settlements", "balances", "margin")])
    order = dict(account=ACCOUNT, instrument="ETH", side="buy", quantity="0.01",
                 limit_price="1000000", client_id=uuid7())
    trade = await well("private/submit_trade", **order)
    await well("private/preview_trade", account=ACCOUNT, instrument="BTC-PERP", side="sell",
               quantity="0.01")
    for method in ("get_account", "get_positions", "get_margin", "get_trades", "get_settlements"):
        await well("private/" + method, account=ACCOUNT)
    for method in ("get_trade", "get_settlement"):
        await well("private/" + method, trade_id=trade["trade_id"])
    await well("private/withdraw", account=ACCOUNT, asset="USDC", amount="1.5",
               shard="aave-uniswap", destination="0xabc", client_id=uuid7())
    # Until its delay is over it can be taken back.
    held = await well("private/withdraw", account=ACCOUNT, asset="USDC", amount="2.5",
                      shard="aave-uniswap", destination="0xabc", client_id=uuid7())
    await well("private/get_withdrawals", account=ACCOUNT)
    cancel = dict(account=ACCOUNT, withdrawal_id=held["withdrawal_id"], client_id=uuid7())
    first = await well("private/cancel_withdrawal", **cancel)
    assert await well("private/cancel_withdrawal", **cancel) == first
    gift = dict(account=ACCOUNT, to_account="0-18", asset="USDC", amount="0.25",
                client_id=uuid7())
    given = await well("private/transfer", **gift)
    assert await well("private/transfer", **gift) == given
    shown = await well("private/get_transfers", account=ACCOUNT)
    assert shown["transfers"][0]["transfer_id"] == given["transfer_id"]
    # News of every channel: what was subscribed to last has its snapshot by now, and this trade's
    # settlement brings the rest.
    seen = set()
    while not {"trades", "settlements", "balances", "margin", "sBTC", "health"} <= seen:
        answer = await client.receive()
        if answer.get("method") == "subscription" and not answer["params"]["is_snapshot"]:
            seen.add(answer["params"]["channel"].rsplit(".", 1)[1])
        seen |= {json.loads(text)["params"]["channel"].rsplit(".", 1)[1]
                 for text in client.received if '"method":"subscription"' in text}
    await well("public/unsubscribe", channels=["shards.health"])
    await well("private/unsubscribe", channels=[f"account.{ACCOUNT}.margin"])
    return order


async def err(client, order):
    """Wrong requests of each kind; returns the ids of those that fit no request schema."""
    strays = set()

    async def badly(code, method, stray, **params):
        answer = await client.call(method, **params)
        assert answer["error"]["code"] == code, (code, answer)
        if stray:
            strays.add(client.number)

    await badly(-32601, "public/nothing", True)
    await badly(-32602, "private/get_account", True)
    await badly(-32602, "private/get_account", True, account=ACCOUNT, more=1)
    await badly(11012, "private/submit_trade", False, **dict(order, quantity="0"))
    await badly(-32602, "private/cancel_withdrawal", False, account=ACCOUNT,
                withdrawal_id=f"{ACCOUNT}-w9999", client_id=uuid7())
    await badly(-32602, "private/cancel_withdrawal", False, account=ACCOUNT,
                withdrawal_id="0-2-w1", client_id=uuid7())
    await badly(11010, "private/submit_trade", False, **dict(order, quantity="0.02"))
    await badly(11023, "private/submit_trade", False,
                **dict(order, limit_price="0.01", client_id=uuid7()))
    await badly(11021, "private/submit_trade", False,
                **dict(order, instrument="BTC-PERP", quantity="10", client_id=uuid7()))
    await badly(13011, "private/get_account", False, account="0-2")
    await badly(13011, "operator/get_breaks", False)
    await badly(13009, "public/auth", False, grant_type="refresh_token", refresh_token="no")
    await client.send("{")
    await client.receive()
    batch = [{"jsonrpc": "2.0", "id": 9001, "method": "public/ping", "params": {}},
             {"jsonrpc": "2.0", "id": 9002, "method": "private/get_margin",
              "params": {"account": ACCOUNT}}]
    await client.send(json.dumps(batch))
    while not isinstance(await client.receive(), list):
        pass
    return strays


async def operate(client):
    """Every method of operators."""
    async def well(method, **params):
        answer = await client.call("operator/" + method, **params)
        # The demo's shards lose an answer now and then.
        while answer.get("error", {}).get("code") == 11031:
            answer = await client.call("operator/" + method, **params)
        assert "result" in answer, (method, answer)
        return answer["result"]

    lanes = (await well("get_breaks"))["lanes"]
    assert lanes and not any(lane["is_paused"] for lane in lanes), lanes
    shard = lanes[0]["shard"]
    assert all(lane["shard"] == shard for lane in (await well("reconcile", shard=shard))["lanes"])
    pause = dict(shard=shard, client_id=uuid7())
    assert await well("pause_shard", **pause) == {"shard": shard, "is_paused": True}
    await well("pause_shard", **pause)
    paused = (await well("get_breaks"))["lanes"]
    assert all(lane["is_paused"] == (lane["shard"] == shard) for lane in paused), paused
    await well("resume_shard", shard=shard, client_id=uuid7())
    reused = await client.call("operator/resume_shard", **pause)
    assert reused["error"]["code"] == 11010, reused
    assert len((await well("get_partitions"))["partitions"]) == 8
    assert (await well("get_nodes"))["nodes"][0]["partitions_running"] == 8
    houses = (await well("get_houses"))["houses"]
    assert [house["broker"] for house in houses] == [0, 1], houses
    assert (await well("get_expiries"))["expiries"] == []
    # Nothing ends here: tests/e2e/expiry_test.py ends what does.
    for method, what in (("propose_price", {"price": "1"}), ("dispute_price", {"reason": "no"})):
        answer = await client.call("operator/" + method, instrument="BTC-PERP",
                                   client_id=uuid7(), **what)
        assert answer["error"]["code"] == 11021, answer
    # No break is open here: that one is resolved is shown where tokens can be lost.
    wrong = dict(resolution="borne", reason="a test", client_id=uuid7())
    wrong["break"] = f"0/{shard}/USDC/1"
    answer = await client.call("operator/resolve_break", **wrong)
    assert answer["error"]["code"] == -32602, answer
    assert answer["error"]["data"]["reason"] == "no_such_break", answer
    # Nothing is signed here: on simulated chains there is no signing lane that could stand still.
    answer = await client.call("operator/resume_lane", broker=0, shard=shard, reason="a test",
                               client_id=uuid7())
    assert answer["error"]["code"] == -32602, answer
    assert answer["error"]["data"]["reason"] == "no_such_lane", answer


async def give_up(client):
    """A venue's matched trade between two accounts of the demo."""
    while True:
        preview = await client.call("private/preview_trade", account=ACCOUNT,
                                    instrument="BTC-PERP", side="buy", quantity="0.001")
        matched = dict(buyer=ACCOUNT, seller="0-2", instrument="BTC-PERP", quantity="0.001",
                       price=preview["result"]["price"], client_id=uuid7())
        answer = await client.call("venue/submit_matched_trade", **matched)
        # Prices of the demo move, and its clients trade beside this one.
        if answer.get("error", {}).get("code") in (11022, 11023):
            continue
        assert "result" in answer, answer
        break
    assert answer["result"]["buyer_trade_id"].startswith(f"{ACCOUNT}-t"), answer
    assert answer["result"]["seller_trade_id"].startswith("0-2-t"), answer
    again = await client.call("venue/submit_matched_trade", **matched)
    assert again["result"] == answer["result"], again
    other = await client.call("venue/submit_matched_trade", **dict(matched, seller="0-4"))
    assert other["error"]["code"] == 13011, other


async def session(port, contract):
    client = await Client.open(port, ACCOUNT)
    order = await asyncio.wait_for(speak(client), 120)
    strays = await err(client, order)
    answer = await client.call("private/logout")
    assert "result" in answer, answer
    await client.socket.close()
    contract.check_session(client, strays)
    oracle = await Client.connect(port)
    assert "result" in await oracle.log_in("operator", "demo-operator-not-a-secret")
    answer = await oracle.call("oracle/publish_marks", marks=[{"asset": "USDC", "price": "1"}],
                               funding=[{"asset": "BTC-PERP", "index": "-1.25"}])
    assert "result" in answer, answer
    await operate(oracle)
    await oracle.socket.close()
    contract.check_session(oracle, set())
    venue = await Client.connect(port)
    assert "result" in await venue.log_in("venue", "demo-venue-not-a-secret")
    await asyncio.wait_for(give_up(venue), 60)
    await venue.socket.close()
    contract.check_session(venue, set())
    silent = await Client.connect(port)
    await silent.call("public/set_heartbeat", interval_ms=5_000)
    assert (await silent.receive())["method"] == "heartbeat"
    await silent.socket.close()
    contract.check_session(silent, set())


def check_frames_can_fail(contract):
    good = {"jsonrpc": "2.0", "id": 1, "result": "pong", "usIn": 1, "usOut": 2, "usDiff": 1}
    contract.check("PublicPingReply", good)
    for bad in (dict(good, result="ping"), dict(good, more=1), dict(good, usIn="1"),
                {key: good[key] for key in good if key != "usDiff"}):
        try:
            contract.check("PublicPingReply", bad)
        except AssertionError:
            continue
        raise SystemExit(f"{bad} passed for a reply to public/ping")


def main():
    document = load()
    check_document(document)
    check_document_can_fail(document)
    contract = Contract(document)
    check_frames_can_fail(contract)
    with tempfile.TemporaryDirectory(prefix="crossclear-asyncapi-") as data:
        demo = Demo(data, "--accounts", "20", "--rate", "40")
        try:
            asyncio.run(session(demo.wait_until_trading(), contract))
        finally:
            demo.drop()
    # No break opens in the demo: tests/integration/resolve_break_test.cpp resolves one over a
    # socket. Here its reply is held against the schema as views_operator.cpp writes it.
    contract.check("OperatorResolveBreakReply", {
        "jsonrpc": "2.0", "id": 1, "usIn": 1, "usOut": 2, "usDiff": 1,
        "result": {"break": "0/aave-uniswap/USDC/9", "resolution": "borne", "is_frozen": False,
                   "is_paused": False}})
    contract.check("OperatorResumeLaneReply", {
        "jsonrpc": "2.0", "id": 1, "usIn": 1, "usOut": 2, "usDiff": 1,
        "result": {"broker": 0, "shard": "aave-uniswap", "nonce": 8, "given_up": 2}})
    for method in ("Propose", "Dispute"):
        contract.check(f"Operator{method}PriceReply", {
            "jsonrpc": "2.0", "id": 1, "usIn": 1, "usOut": 2, "usDiff": 1,
            "result": {"expiries": [
                {"broker": 0, "instrument": "RAIN", "state": "disputed", "expires_at": 1,
                 "price": "0.5", "fixed_from": 2, "since": 3},
                {"broker": 1, "instrument": "RAIN", "state": "trading", "expires_at": 1,
                 "refused": "contract_not_expired"}]}})
    unmet = set(document["components"]["messages"]) - set(contract.met)
    assert not unmet, f"never met: {sorted(unmet)}"
    print(f"{sum(contract.met.values())} frames fit, all {len(contract.met)} messages were met")


if __name__ == "__main__":
    main()
