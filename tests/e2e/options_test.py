#!/usr/bin/env python3
"""Options as `crossclear risk value` prices them, against QuantLib, which shares no line with us.

QuantLib comes as Debian's Python binding: its headers want another Boost than ours.
"""

import glob
import json
import math
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import run  # noqa: E402

# Debian 13 leaves the binding in an egg that nothing puts on the path.
sys.path += glob.glob("/usr/lib/python3/dist-packages/QuantLib-*.egg")
try:
    import QuantLib
except ImportError:
    print("skipped: QuantLib's Python binding is absent (quantlib-python)")
    sys.exit(77)

COUNT = 500
SPOT = 100.0

UNIVERSE = """
underlyings:
  - {name: COIN, spot: 100, range: 0.2, volatility_day: 0.03}
wrappers:
  - {name: COIN, underlying: COIN, price: 100, basis: 0, half_spread: 0, volatility_day: 0.03,
     volume_day_usd: 1e6, haircut_initial: 0, haircut_maintenance: 0}
protocols: []
correlations: []
instruments:
"""


def any_option(rng):
    """Terms from the ordinary to the absurd."""
    return {"type": rng.choice(("call", "put")),
            "forward": SPOT * math.exp(rng.gauss(0, .3)),
            "strike": SPOT * math.exp(rng.gauss(0, .6)),
            "volatility": rng.choice((.01, .2, .6, 1.5, 4)) * rng.uniform(.5, 1.5),
            "days": rng.choice((.01, 1, 7, 30, 180, 730)) * rng.uniform(.5, 1.5),
            "rate": rng.uniform(-.05, .2)}


def price_of(terms, factor=1.0):
    """What QuantLib says, with the forward times `factor`."""
    years = terms["days"] / 365
    kind = QuantLib.Option.Call if terms["type"] == "call" else QuantLib.Option.Put
    return QuantLib.blackFormula(kind, terms["strike"], terms["forward"] * factor,
                                 terms["volatility"] * math.sqrt(years),
                                 math.exp(-terms["rate"] * years))


def main():
    seed = int(os.environ.get("CROSSCLEAR_SEED", "20261"))
    print(f"seed {seed}; CROSSCLEAR_SEED takes another")
    rng = random.Random(seed)
    options = {f"O{i}": any_option(rng) for i in range(COUNT)}
    folder = tempfile.mkdtemp(prefix="crossclear-options-")
    try:
        path = os.path.join(folder, "universe.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(UNIVERSE)
            for name, terms in options.items():
                fields = ", ".join(f"{key}: {value}" for key, value in terms.items())
                file.write(f"  - {{name: {name}, kind: option, underlying: COIN, "
                           f"hedged_with: COIN, {fields}}}\n")
        # Flat volatility and all of the move: the fall and the rise of the whole range.
        for scenario, factor in (("lock-4/4 v0", .8), ("lock4/4 v0", 1.2)):
            status, out = run("risk", "value", "--universe", path, "--scenario", scenario, "--json")
            assert status == 0, out
            found = json.loads(out)
            assert len(found) == COUNT
            for name, terms in options.items():
                slack = 1e-11 * (terms["forward"] + terms["strike"])
                for key, by in (("value", 1.0), ("then", factor)):
                    exact = price_of(terms, by)
                    assert abs(found[name][key] - exact) <= slack, \
                        (name, terms, key, found[name][key], exact)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{COUNT} options in three markets are worth what QuantLib says")


if __name__ == "__main__":
    main()
