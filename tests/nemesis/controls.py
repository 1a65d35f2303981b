"""Controls: what must lose acknowledged answers. One that loses nothing shows a blind nemesis.

Each begins with the same schedule done rightly, which must lose nothing.
"""

import asyncio
import os
import random
import signal
import tempfile

from cluster import ACCOUNTS, Cluster
from faults import blocking
from traders import Crowd
from verdict import Verdict, hold_against

TRIES = 5  # a power loss may by chance hit no answer that was just given


async def told_more(crowd, count, seconds=90):
    """Waits for so many more answers: a refusal, while deposits are on their way, is none."""
    async def are_told(before):
        while len(crowd.ledger.told) < before + count:
            await asyncio.sleep(0.005)
    try:
        await asyncio.wait_for(are_told(len(crowd.ledger.told)), seconds)
        return True
    except asyncio.TimeoutError:
        return False


async def power_loss_of_all(cluster, crowd, rng):
    """Every Redis loses power at once, and whoever remembers is gone."""
    await crowd.wait_for_each(3, 90)
    assert await told_more(crowd, 1), "no order was ever granted"
    if cluster.is_unsafe:
        # Nobody refuses before it is noticed, which takes up to a second; then everybody does.
        for instance in cluster.instances:
            await blocking(instance.command, "CONFIG", "SET", "appendfsync", "everysec")
        await told_more(crowd, 30, 3)
    else:
        assert await told_more(crowd, 30), "no more orders are granted"
    for instance in cluster.instances:
        instance.signal(signal.SIGKILL)
    await crowd.stop(do_abort=True)
    cluster.kill_nodes()
    for instance in cluster.instances:
        await blocking(instance.lose_power, rng)
        await blocking(instance.start)


async def one_holds_it_alone(cluster, crowd, rng):
    """Two Redis are gone, the third goes on for a while and is lost; then the two are back."""
    await crowd.wait_for_each(3, 90)
    assert await told_more(crowd, 30), "no more orders are granted"
    alone, *others = rng.sample(cluster.instances, len(cluster.instances))
    for instance in others:
        await blocking(instance.kill)
    await asyncio.sleep(3)  # Nobody may be answered; with a quorum of one, everybody is.
    await blocking(alone.kill)
    await crowd.stop(do_abort=True)
    cluster.kill_nodes()
    for instance in others:
        await blocking(instance.start)
    # The one that holds it stays away: two of three are a majority, and go on without it.


CONTROLS = {"everysec": power_loss_of_all, "quorum-of-one": one_holds_it_alone}


def attempt(options, place, shim, is_unsafe, number):
    """Runs one schedule on a fresh cluster; returns what was told and what became of it."""
    binary = os.environ["CROSSCLEAR_BINARY"]
    if is_unsafe and options.control == "quorum-of-one":
        binary = os.environ["CROSSCLEAR_QUORUM_OF_ONE"]
    rng = random.Random(f"{options.seed} {number}")
    with tempfile.TemporaryDirectory(prefix="crossclear-control-") as data:
        cluster = Cluster(place, data, shim, options.nodes, options.redis, binary)
        cluster.is_unsafe = is_unsafe

        async def story():
            crowd = Crowd(cluster, ACCOUNTS, lambda account: random.Random(f"{rng} {account}"))
            crowd.start()
            try:
                await CONTROLS[options.control](cluster, crowd, rng)
            finally:
                await crowd.stop(do_abort=True)
            return crowd.ledger
        try:
            cluster.start()
            ledger = asyncio.run(story())
            verdict = Verdict(acknowledged=len(ledger.told) + len(ledger.refused))
            found, trouble = hold_against(verdict, ledger, cluster.config)
            if trouble is not None and not found:
                verdict.broken.append(trouble)
        finally:
            cluster.drop()
    return verdict


def run(options, place, shim):
    """Returns the status: 0 where the right way loses nothing and the wrong way something."""
    right = attempt(options, place, shim, False, 0)
    print(f"control {options.control}: done rightly, {len(right.lost)} of {right.acknowledged} "
          "answers are lost", flush=True)
    if right.lost or right.broken or not right.acknowledged:
        print(*right.lost[:10], *right.broken, sep="\n")
        return 1
    for number in range(1, TRIES + 1):
        wrong = attempt(options, place, shim, True, number)
        print(f"control {options.control}: try {number}, {len(wrong.lost)} of "
              f"{wrong.acknowledged} answers are lost", *wrong.broken, flush=True)
        if wrong.lost:
            print(f"control={options.control} seed={options.seed} lost={len(wrong.lost)} "
                  "as it must")
            return 0
    print(f"failed: nothing was lost, so the nemesis cannot see a loss; seed {options.seed}")
    return 1
