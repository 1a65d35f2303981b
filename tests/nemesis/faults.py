"""What the nemesis does, one coroutine a fault. It is drawn from the seed, and ends by itself.

A fault need not mend what it did: after each bout everything is mended. Whatever happens at the
same time is allowed, but one: a Redis is emptied only while the others are whole and are left
alone, since nobody promises anything about a majority that forgot.
"""

import asyncio
import collections
import random
import signal

HOURS = 3600
# By weight. `apart` needs namespaces; `alone` wants no other fault beside it.
INSTANCE_FAULTS = {"instance_kill": 8, "instance_pause": 3, "instance_cut": 3, "power_loss": 5,
                   "full_disk": 2, "failing_disk": 1, "slow_disk": 2, "instance_clock": 2}
NODE_FAULTS = {"owner_kill": 5, "owner_pause": 4, "node_cut": 3, "node_clock": 2}
WIDE_FAULTS = {"all_redis_gone": 2, "power_loss_of_all": 3, "instance_emptied": 2, "world_kill": 1}
ALL = (*INSTANCE_FAULTS, *NODE_FAULTS, *WIDE_FAULTS)
NEED_NAMESPACES = ("instance_cut", "node_cut")


def blocking(function, *arguments):
    return asyncio.get_running_loop().run_in_executor(None, function, *arguments)


class Nemesis:
    """Harms one cluster, counting what it did."""

    def __init__(self, cluster, rng, allowed=ALL):
        self.cluster, self.rng = cluster, rng
        self.allowed = [name for name in allowed
                        if cluster.place.is_apart or name not in NEED_NAMESPACES]
        self.counts = collections.Counter()
        self.done = []  # what this bout did

    def note(self, count, text):
        self.counts[count] += 1
        self.done.append(text)

    def draw(self):
        """The faults of one bout, as coroutines: some Redis, some nodes, at once; or a wide one."""
        rng = self.rng
        wide = [name for name in WIDE_FAULTS if name in self.allowed]
        if len(self.cluster.instances) < 3 and "instance_emptied" in wide:
            wide.remove("instance_emptied")
        narrow = [name for name in (*INSTANCE_FAULTS, *NODE_FAULTS) if name in self.allowed]
        if wide and (not narrow or rng.random() < 0.2):
            name = rng.choices(wide, [WIDE_FAULTS[one] for one in wide])[0]
            return [getattr(self, name)(self._own_rng()), *self._nodes_too(name)]
        bout = []
        for faults, targets, most in ((INSTANCE_FAULTS, self.cluster.instances, 2),
                                      (NODE_FAULTS, self.cluster.nodes, 2)):
            names = [name for name in faults if name in self.allowed]
            if not names:
                continue
            for target in rng.sample(targets, min(len(targets), rng.randint(0, most))):
                name = rng.choices(names, [faults[one] for one in names])[0]
                bout.append(self._after_a_while(getattr(self, name), target,
                                                    self._own_rng()))
        return bout or self.draw()

    def _nodes_too(self, name):
        """Beside some wide faults an owner is killed as well; nobody is left who remembers."""
        if name == "instance_emptied" or "owner_kill" not in self.allowed:
            return []
        return [self.owner_kill(node, self._own_rng()) for node in self.cluster.nodes
                if self.rng.random() < 0.3]

    def _own_rng(self):
        """Faults run side by side: each draws for itself, whatever the others' pace is."""
        return random.Random(self.rng.getrandbits(64))

    @staticmethod
    async def _after_a_while(fault, target, rng):
        await asyncio.sleep(rng.uniform(0, 1.5))
        await fault(target, rng)

    # One Redis.

    async def instance_kill(self, instance, rng):
        for _ in range(rng.randint(1, 6)):
            await blocking(instance.kill)
            self.note("instance_kills", f"kill {instance.name}")
            await asyncio.sleep(rng.uniform(0, 0.5))
            await blocking(instance.start)
            await asyncio.sleep(rng.uniform(0, 0.6))

    async def instance_pause(self, instance, rng):
        instance.signal(signal.SIGSTOP)
        self.note("instance_pauses", f"pause {instance.name}")
        await asyncio.sleep(rng.uniform(0.2, 7))
        instance.signal(signal.SIGCONT)

    async def instance_cut(self, instance, rng):
        instance.machine.cut()
        self.note("cuts", f"cut {instance.name}")
        await asyncio.sleep(rng.uniform(0.2, 8))
        instance.machine.mend()

    async def power_loss(self, instance, rng):
        for _ in range(rng.randint(1, 3)):
            await self._lose_power([instance], rng)
            await asyncio.sleep(rng.uniform(0, 0.3))
            await blocking(instance.start)
            await asyncio.sleep(rng.uniform(0, 1))

    async def _lose_power(self, instances, rng):
        """Syncs are slow for a moment, so that something was written and not synced."""
        for instance in instances:
            instance.control.set_sync_delay(rng.uniform(0.01, 0.1))
        await asyncio.sleep(rng.uniform(0.1, 0.4))
        for instance in instances:
            instance.signal(signal.SIGKILL)
        for instance in instances:
            lost = await blocking(instance.lose_power, rng)
            instance.control.reset()
            self.note("power_losses", f"power loss of {instance.name}, {lost} bytes")
            self.counts["instance_kills"] += 1
            self.counts["bytes_dropped"] += lost

    async def full_disk(self, instance, rng):
        await blocking(instance.fill_disk, rng)
        self.note("full_disks", f"full disk of {instance.name}")
        await asyncio.sleep(rng.uniform(0.5, 5))
        # It has given up by then, or nobody wrote to it. What fits into no byte may not start.
        await blocking(instance.mend)

    async def failing_disk(self, instance, rng):
        instance.control.set_syncs_fail(True)
        self.note("failing_disks", f"failing disk of {instance.name}")
        await asyncio.sleep(rng.uniform(0.5, 3))
        await blocking(instance.mend)

    async def slow_disk(self, instance, rng):
        instance.control.set_sync_delay(rng.uniform(0.02, 0.4))
        self.note("slow_disks", f"slow disk of {instance.name}")
        await asyncio.sleep(rng.uniform(0.5, 5))
        instance.control.reset()

    async def instance_clock(self, instance, rng):
        await self._clock(instance, rng)

    # One node.

    async def owner_kill(self, node, rng):
        node.kill()
        self.note("owner_kills", f"kill {node.name}")
        await asyncio.sleep(rng.uniform(0, 4))
        try:
            await blocking(node.start)
        except AssertionError:  # No majority for too long: it is started again when all is mended.
            await blocking(node.kill)

    async def owner_pause(self, node, rng):
        node.signal(signal.SIGSTOP)
        self.note("owner_pauses", f"pause {node.name}")
        await asyncio.sleep(rng.uniform(0.2, 6))
        node.signal(signal.SIGCONT)

    async def node_cut(self, node, rng):
        node.machine.cut()
        self.note("cuts", f"cut {node.name}")
        await asyncio.sleep(rng.uniform(0.2, 8))
        node.machine.mend()

    async def node_clock(self, node, rng):
        await self._clock(node, rng)

    async def _clock(self, target, rng):
        hours = rng.uniform(0.1, 48) * rng.choice((-1, 1))
        target.control.set_clock_offset(hours * HOURS)
        self.note("clock_jumps", f"clock of {target.name} {hours:+.1f} h")
        await asyncio.sleep(rng.uniform(0.5, 6))
        target.control.set_clock_offset(0)

    # All at once.

    async def all_redis_gone(self, rng):
        for instance in self.cluster.instances:
            instance.signal(signal.SIGKILL)
            self.counts["instance_kills"] += 1
        self.note("all_redis_gone", "all Redis gone")
        await asyncio.sleep(rng.uniform(0.2, 8))
        await self._start_all(rng)

    async def power_loss_of_all(self, rng):
        await self._lose_power(self.cluster.instances, rng)
        await asyncio.sleep(rng.uniform(0, 2))
        await self._start_all(rng)

    async def _start_all(self, rng):
        for instance in rng.sample(self.cluster.instances, len(self.cluster.instances)):
            await blocking(instance.kill)
            await blocking(instance.start)
            await asyncio.sleep(rng.uniform(0, 1))

    async def instance_emptied(self, rng):
        await blocking(self.cluster.wait_until_whole)
        instance = rng.choice(self.cluster.instances)
        await blocking(instance.empty)
        self.note("instances_emptied", f"{instance.name} emptied")
        self.counts["instance_kills"] += 1
        await blocking(instance.start)
        await blocking(self.cluster.wait_until_whole)

    async def world_kill(self, rng):
        await blocking(self.cluster.world.kill)
        self.note("world_kills", "kill the world")
        await asyncio.sleep(rng.uniform(0.2, 3))
        await blocking(self.cluster.start_world)
