#!/usr/bin/env python3
"""One client of a running demo: logs in, buys 0.1 ETH, and watches the trade settle.

    ./dev up                          # in another terminal
    python3 docs/examples/trade.py    # needs python3-websockets, which ./dev setup installs
"""

import asyncio
import hashlib
import hmac
import json
import os
import time
import uuid

import websockets

ACCOUNT = "0-1"
MASTER = "demo-master-not-a-secret-1"  # demo only: every account's key is derived from it


def sign(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def new_client_id():
    """A UUIDv7: the time in front, so that the service can tell what is too old."""
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


async def main():
    async with websockets.connect("ws://127.0.0.1:7400/ws/v1", compression=None) as socket:
        async def call(number, method, params):
            await socket.send(json.dumps(
                {"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
            while True:
                message = json.loads(await socket.recv())
                print(json.dumps(message))
                if message.get("id") == number:
                    return message

        key = f"demo:{ACCOUNT}"
        at, nonce = int(time.time() * 1_000_000), os.urandom(8).hex()
        await call(1, "public/auth", {
            "grant_type": "client_signature", "key_id": key, "timestamp": at, "nonce": nonce,
            "signature": sign(sign(MASTER, key), f"{at}\n{nonce}\n")})
        await call(2, "private/subscribe", {"channels": [f"account.{ACCOUNT}.settlements"]})
        await call(3, "private/submit_trade", {
            "account": ACCOUNT, "instrument": "ETH", "side": "buy", "quantity": "0.1",
            "limit_price": "1000000", "time_in_force": "ioc", "client_id": new_client_id()})
        for _ in range(3):
            print(json.dumps(json.loads(await socket.recv())))


asyncio.run(main())
