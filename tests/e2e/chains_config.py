"""The example's configuration, on the chains of a `Site`."""

import json
import pathlib

import yaml

from service import SOURCE, write_config

BROKER = "alpha"
KEY_ETHER = 10_000      # Anvil gives each of its accounts so much.
GONE = ("BTC-PERP", "ETH-PERP", "UNI-ETHDAI")       # No venue there has them.
SHARDS = {"synthetix": (["USDC", "ETH", "sBTC", "sETH"], ["sBTC", "sETH"]),
          "aave-uniswap": (["USDC", "DAI", "ETH", "aDAI"], ["ETH", "DAI"]),
          "augur": (["USDC", "ETH", "AUG-Y"], ["AUG-Y"])}
INSTRUMENTS = [instrument for _, listed in SHARDS.values() for instrument in listed]


def add_question(config):
    """What augur's chain has: one outcome of a question."""
    config["listing"]["assets"].append({"symbol": "AUG-Y", "scale": 6, "kind": "synthetic",
                                        "underlying": "AUG", "protocol": "augur"})
    config["marks"]["walks"].append({"underlying": "AUG", "start_usd": 0.4,
                                     "daily_volatility_ppm": 20_000})
    universe = config["risk"]["universe"]
    universe["underlyings"].append({"name": "AUG", "spot": 0.4, "range": 0.5,
                                    "volatility_day": 0.08})
    share = dict(next(one for one in universe["wrappers"] if one["name"] == "sETH"))
    share.update(name="AUG-Y", underlying="AUG", price=0.4, half_spread=0.01, volatility_day=0.08,
                 volume_day_usd=1_000_000, haircut_initial=0.2, haircut_maintenance=0.1)
    universe["wrappers"].append(share)
    universe["protocols"].append({"name": "augur", "default_year": 0.05, "loss_given_default": 1,
                                  "depegs": []})
    universe["instruments"].append({"name": "AUG-Y", "kind": "synthetic", "wrapper": "AUG-Y",
                                    "protocols": ["augur"]})


def capital():
    """What vault and key hold at first; another amount would be a break."""
    rows = []
    for shard, (assets, _) in SHARDS.items():
        described = json.loads(pathlib.Path(SOURCE, f"deploy/chain/{shard}.json").read_text())
        vault = next(one for one in described["vaults"] if one["broker"] == BROKER)
        for asset in assets:
            amount = int(vault["balances"].get("WETH" if asset == "ETH" else asset, 0))
            amount += KEY_ETHER if asset == "ETH" else 0
            if amount:
                rows.append({"shard": shard, "asset": asset, "amount": amount,
                             "source": "capital"})
    return rows


def chains_config(path, **changes):
    """One broker on three chains; what others than it must follow from the site is for the caller.
    Whatever does not net is hedged at once."""
    with open(write_config(path, **changes), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    config["simulated"] = []
    add_question(config)
    listing = config["listing"]
    listing["assets"] = [one for one in listing["assets"] if one["symbol"] not in GONE]
    listing["instruments"] = [{"symbol": one, "kind": "in_kind", "base": one, "settlement": "USDC"}
                              for one in INSTRUMENTS]
    listing["shards"] = [{"symbol": shard, "assets": assets, "instruments": instruments,
                          "gas": "ETH", "takes_margin": False}
                         for shard, (assets, instruments) in SHARDS.items()]
    broker = next(one for one in config["brokers"] if one["name"] == BROKER)
    broker["venue_margin"] = []
    broker["instruments"] = INSTRUMENTS
    broker["hedge"]["bands"] = [{"asset": one, "band_usd": 100} for one in INSTRUMENTS]
    broker["hedge"]["spread_time"] = "1s"
    broker["capital"] = capital()
    config["brokers"] = [broker]
    return config
