#!/usr/bin/env python3
"""The service on a Redis that speaks nothing but TLS and asks for a certificate: it answers, and
the tools read what it wrote. What is wrong with a certificate is said at the start, by
--check-config, or while running, and ends without a restart.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service import (Client, Redis, Service, run, uuid7, wait_until,  # noqa: E402
                     write_config)

ORDERS = 20


def certificates(directory):
    """An authority, a stranger, and what they signed."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    def write(name, text):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)
    os.makedirs(directory)
    write("index", "")
    write("names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    write("ca.conf", "[ca]\ndefault_ca=this\n[this]\ndatabase=index\nunique_subject=no\n"
                     "new_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\npolicy=any\n"
                     "[any]\ncommonName=supplied\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                "-subj", f"/CN={name}")
    for name, ends in (("server", "2099"), ("expired", "2020"), ("client", "2099")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile",
                "ca.key", "-startdate", "20200101000000Z", "-enddate", f"{ends}0201000000Z",
                "-extfile", "names", "-in", f"{name}.csr", "-out", f"{name}.pem")
    return lambda name: os.path.join(directory, name)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def ask(port):
    client = await Client.open(port, "0-17")
    for _ in range(ORDERS):
        code = 11022  # Until there is a first price.
        while code == 11022:
            answer = await client.call(
                "private/submit_trade", account="0-17", instrument="ETH-PERP", side="buy",
                quantity="0.01", client_id=uuid7(), limit_price="1000000")
            code = answer["error"]["code"]
            await asyncio.sleep(.02)
        # The account holds nothing; that it is refused for it is in the journal like any trade.
        assert answer["error"]["code"] == 11020, answer
    await client.socket.close()


def figure(service, name):
    _, body = service.get("/metrics")
    found = re.search(rf"^crossclear_{name}{{[^}}]*rediss://[^}}]*}} (\S+)$", body, re.MULTILINE)
    assert found, f"no {name} of a rediss:// endpoint:\n{body}"
    return float(found.group(1))


def refused_at_start(data, endpoint, pem):
    """By the word for each: another authority, another name, no TLS, a missing file."""
    def says(name, **changes):
        other = {key: value for key, value in {**endpoint, **changes}.items() if value}
        config = write_config(os.path.join(data, f"{name}.yaml"), data_dir=data,
                              journal={"mode": "single", "endpoint": other})
        status, out = run("serve", "--config", config)
        assert status == 2, (name, status, out)
        return out
    tls = endpoint["tls"]
    assert "vouches for" in says("stranger", tls={**tls, "authority": pem("stranger.pem")})
    assert "a certificate for redis.example" in says(
        "name", tls={**tls, "server_name": "redis.example"})
    assert "one that speaks nothing else" in says("plain", tls=None)
    assert "takes our certificate" in says("nobody", tls={"authority": pem("ca.pem")})
    path = os.path.join(data, "absent.yaml")
    write_config(path, data_dir=data, journal={"mode": "single", "endpoint": {
        **endpoint, "tls": {**tls, "key": "/nonexistent.key"}}})
    status, out = run("serve", "--config", path, "--check-config")
    with open(path, encoding="utf-8") as file:
        line = next(i for i, text in enumerate(file, 1) if "/nonexistent.key" in text)
    assert status != 0 and f"absent.yaml:{line}: journal.endpoint.tls.key: expected" in out, out


def a_certificate_goes_bad(redis, service, pem):
    def show(name):
        redis.command("CONFIG", "SET", "tls-cert-file", pem(f"{name}.pem"), "tls-key-file",
                      pem(f"{name}.key"))
        redis.try_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    show("expired")
    wait_until(lambda: any("certificate has expired" in why for why in service.why_not()),
               "the reason on /readyz")
    wait_until(lambda: figure(service, "redis_connected") == 0, "redis_connected 0")
    show("server")
    wait_until(lambda: not service.why_not(), "the service to be ready again")
    wait_until(lambda: figure(service, "redis_connected") == 1, "redis_connected 1")


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-redis-tls-") as data:
        pem = certificates(os.path.join(data, "tls"))
        port = free_port()
        redis = Redis(os.path.join(data, "redis"), "--tls-port", str(port), "--tls-cert-file",
                      pem("server.pem"), "--tls-key-file", pem("server.key"), "--tls-ca-cert-file",
                      pem("ca.pem"), "--tls-auth-clients", "yes", "--bind", "127.0.0.1").start()
        endpoint = {"host": "localhost", "port": port, "tls": {
            "authority": pem("ca.pem"), "certificate": pem("client.pem"),
            "key": pem("client.key")}}
        config = write_config(os.path.join(data, "service.yaml"), data_dir=data,
                              journal={"mode": "single", "endpoint": endpoint})
        service = None
        try:
            status, out = run("serve", "--config", config, "--check-config")
            assert status == 0, out
            service = Service(config, "--create").wait_until_up()
            asyncio.run(ask(service.port))
            wait_until(lambda: figure(service, "redis_connected") == 1, "redis_connected 1")
            a_certificate_goes_bad(redis, service, pem)
            asyncio.run(ask(service.port))
            assert service.finish() == 0, service.lines[-20:]
            assert not service.count_lines("PRIVATE KEY")
            for words in (("audit",), ("journal", "verify")):
                status, out = run(*words, "--config", config)
                assert status == 0, (words, out)
            refused_at_start(data, endpoint, pem)
        finally:
            redis.kill()
            if service is not None:
                service.kill()
    print(f"{2 * ORDERS} orders answered over TLS; each refusal was named")


if __name__ == "__main__":
    main()
