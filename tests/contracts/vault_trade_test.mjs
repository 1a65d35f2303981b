// The vault at venues and bridges, honest and hostile: what it gives, believes and books.

import assert from 'node:assert/strict';
import {NEVER, ONE, RESULT, ZERO, intent, makeToken, random, refuses, role, viem}
    from './support.mjs';
import {ABROAD, DELAY, EFFECT_GAS, assertEndedWith, checksOfVault, deposit, ended, stateOf, trade,
    usdcPerEth, venueDoes} from './vault_world.mjs';

const ETH = 10n ** 18n;
const USDC = 10n ** 6n;
const WAY = {honest: 0, burnGas: 1, returnMuch: 2, revertMuch: 3, call: 4, outsideBound: 5,
    noCapacity: 6, failed: 7, other: 8, stopped: 9};

const check = checksOfVault();

/** Expects that a trade ends so, without a trace. */
async function assertFails(w, result, quantity, options) {
    const before = await stateOf(w);
    assertEndedWith(await trade(w, quantity, options), result);
    assert.deepEqual(await stateOf(w), before);
    for (const token of [w.usdc, w.eth]) {
        assert.equal(await token.read('allowance', w.vault.address, w.venue.address), 0n);
    }
}

check('a buy gives quote and receives base, and the allowance is gone', async (w) => {
    await venueDoes(w, w.usdc, 1999n * USDC, w.eth, ETH);
    const before = await stateOf(w);
    const found = await trade(w, ETH);
    assert.equal(found.result, RESULT.none);
    assert.deepEqual([found.given, found.givenAmount], [w.usdc.address, 1999n * USDC]);
    assert.deepEqual([found.received, found.receivedAmount], [w.eth.address, ETH]);
    assert.equal(found.filled, ETH);
    const [usdc, , eth] = await stateOf(w);
    assert.equal(usdc.balance, before[0].balance - 1999n * USDC);
    assert.equal(usdc.booked, before[0].booked - 1999n * USDC);
    assert.equal(eth.balance, before[2].balance + ETH);
    assert.equal(eth.booked, before[2].booked + ETH);
    assert.equal(await w.usdc.read('allowance', w.vault.address, w.venue.address), 0n);
    assert.equal(await w.venue.read('seenLimit'), usdcPerEth(2000n));
});

check('a sale gives base and receives quote, in part', async (w) => {
    await venueDoes(w, w.eth, ETH / 4n, w.usdc, 500n * USDC);
    const found = await trade(w, -ETH);
    assert.deepEqual([found.given, found.givenAmount], [w.eth.address, ETH / 4n]);
    assert.deepEqual([found.received, found.receivedAmount], [w.usdc.address, 500n * USDC]);
    assert.equal(found.filled, -ETH / 4n);
    assert.equal(await w.eth.read('allowance', w.vault.address, w.venue.address), 0n);
});

check('remainders go against the books and into the dust', async (w) => {
    const {vault, dai, eth, daiVenue} = w;
    const unit = 10n ** 9n;
    const at = {...w, venue: daiVenue};
    const dust = async (token) => vault.read('dust', token.address);
    // Buys: DAI is given with a remainder, ether received with one.
    await venueDoes(at, dai, 5n * unit + 1n, eth, unit + 3n);
    const bought = await trade(at, 2n * unit, {limit: 5n * ONE});
    assert.deepEqual([bought.givenAmount, bought.receivedAmount, bought.filled],
        [6n * unit, unit, unit]);
    assert.deepEqual([await dust(dai), await dust(eth)], [unit - 1n, 3n]);
    // Sells: ether given with a remainder, DAI received with one.
    await venueDoes(at, eth, unit + 4n, dai, 9n * unit + 7n);
    const sold = await trade(at, -2n * unit, {limit: ONE});
    assert.deepEqual([sold.givenAmount, sold.receivedAmount, sold.filled],
        [2n * unit, 9n * unit, -2n * unit]);
    assert.deepEqual([await dust(dai), await dust(eth)], [unit + 6n, unit - 1n]);
});

check('the limit holds to the last unit', async (w) => {
    const cases = [
        [ETH, w.usdc, 2000n * USDC, w.eth, ETH, RESULT.none],
        [ETH, w.usdc, 1000n * USDC, w.eth, ETH / 2n, RESULT.none],
        [ETH, w.usdc, 1000n * USDC + 1n, w.eth, ETH / 2n, RESULT.price_outside_bound],
        [ETH, w.usdc, 1000n * USDC, w.eth, ETH / 2n - 1n, RESULT.price_outside_bound],
        [-ETH, w.eth, ETH, w.usdc, 2000n * USDC, RESULT.none],
        [-ETH, w.eth, ETH / 2n, w.usdc, 1000n * USDC - 1n, RESULT.price_outside_bound],
        [-ETH, w.eth, ETH / 2n + 1n, w.usdc, 1000n * USDC, RESULT.price_outside_bound],
    ];
    for (const [quantity, taken, take, given, give, result] of cases) {
        await venueDoes(w, taken, take, given, give);
        const found = await trade(w, quantity);
        assert.equal(found.result, result, `${take} for ${give}`);
    }
});

check('a whole quantity keeps its limit as it is booked, too', async (w) => {
    const at = {...w, venue: w.daiVenue};
    const unit = 10n ** 9n;
    // 3 units at most for 2 at 1.9: the venue hears of 1.5, and of 2 when it has to pay.
    await venueDoes(at, w.dai, 3n * unit, w.eth, 2n * unit);
    const bought = await trade(at, 2n * unit, {limit: 19n * ONE / 10n});
    assert.deepEqual([bought.result, bought.givenAmount], [RESULT.none, 3n * unit]);
    assert.equal(await w.daiVenue.read('seenLimit'), 15n * ONE / 10n);
    await venueDoes(at, w.dai, 3n * unit + 1n, w.eth, 2n * unit);
    assertEndedWith(await trade(at, 2n * unit, {limit: 19n * ONE / 10n}), RESULT.reverted);
    await venueDoes(at, w.eth, 2n * unit, w.dai, 4n * unit);
    const sold = await trade(at, -2n * unit, {limit: 19n * ONE / 10n});
    assert.deepEqual([sold.result, sold.receivedAmount], [RESULT.none, 4n * unit]);
    assert.equal(await w.daiVenue.read('seenLimit'), 2n * ONE);
    await venueDoes(at, w.eth, 2n * unit, w.dai, 4n * unit - 1n);
    assertEndedWith(await trade(at, -2n * unit, {limit: 19n * ONE / 10n}),
        RESULT.price_outside_bound);
});

check('what no venue is asked for', async (w) => {
    const {usdc, eth, dai, venue} = w;
    await venueDoes(w, usdc, 2000n * USDC, eth, ETH);
    const strange = await makeToken(w.chain, 'STR', 18);
    const other = await w.chain.deploy(w.admin, 'HostileVenue');
    const held = await w.vault.read('booked', eth.address);
    await assertFails(w, RESULT.unsupported, 0n);
    await assertFails(w, RESULT.unsupported, ETH + 1n);
    await assertFails(w, RESULT.unsupported, -(2n ** 255n));
    await assertFails(w, RESULT.unsupported, 2n ** 63n * 10n ** 9n);
    await assertFails(w, RESULT.unsupported, ETH, {base: strange.address});
    await assertFails(w, RESULT.unsupported, USDC, {base: usdc.address});
    await assertFails(w, RESULT.unsupported, ETH, {venue: other.address});
    await assertFails(w, RESULT.unsupported, ETH, {venue: w.outside});
    await assertFails(w, RESULT.unsupported, ETH, {limit: 2n ** 256n - 1n});
    await assertFails(w, RESULT.unsupported, -ETH, {limit: 2n ** 256n - 1n});
    const coarse = await makeToken(w.chain, 'COARSE', 36);
    await w.vault.send(w.lister, 'listToken', coarse.address, 0);
    await assertFails(w, RESULT.unsupported, 10n * ONE,
        {base: coarse.address, limit: 2n ** 255n - 1n});
    await assertFails(w, RESULT.price_outside_bound, ETH, {limit: 0n});
    await assertFails(w, RESULT.insufficient_balance, ETH, {limit: usdcPerEth(1_000_001n)});
    // Dust is nobody's to give.
    await eth.send(w.admin, 'mint', w.vault.address, 10n ** 10n);
    await assertFails(w, RESULT.insufficient_balance, -(held + 10n ** 9n));
    // A venue counts after the delay, and its quote must be listed.
    await w.vault.send(w.lister, 'allowVenue', other.address, strange.address);
    await assertFails(w, RESULT.unsupported, ETH, {venue: other.address});
    await w.chain.pass(DELAY);
    await assertFails(w, RESULT.unsupported, ETH, {venue: other.address});
    await w.vault.send(w.lister, 'disallowVenue', venue.address);
    await assertFails(w, RESULT.unsupported, ETH);
    assert.equal(await dai.read('balanceOf', other.address), 0n);
});

check('a venue\'s reason is told by its number', async (w) => {
    for (const [way, result] of [['outsideBound', RESULT.price_outside_bound],
        ['noCapacity', RESULT.capacity_exceeded], ['failed', RESULT.protocol_failed],
        ['other', RESULT.reverted]]) {
        await venueDoes(w, null, 0n, null, 0n, WAY[way]);
        await assertFails(w, result, ETH);
    }
    await venueDoes(w, null, 0n, null, 0n);
    await assertFails(w, RESULT.capacity_exceeded, ETH);
    await assertFails(w, RESULT.capacity_exceeded, -ETH);
});

check('a venue cannot speak for the vault', async (w) => {
    for (const number of [0n, 3n, 8n]) {
        const data = viem.encodeErrorResult(
            {abi: w.vault.abi, errorName: 'Stopped', args: [number]});
        await venueDoes(w, null, 0n, null, 0n, WAY.stopped, data);
        await assertFails(w, RESULT.reverted, ETH);
    }
});

check('a token cannot speak of a good end', async (w) => {
    const hook = await w.chain.deploy(w.admin, 'HostileToken', 6, w.admin);
    const liar = await w.chain.deploy(w.admin, 'HostileVenue');
    await hook.send(w.admin, 'grantRole', role('MINTER'), w.admin);
    await w.vault.send(w.lister, 'listToken', hook.address, 6);
    await deposit(w, hook, 100n);
    for (const number of [0n, 8n, 2n ** 255n]) {
        const data = viem.concat([viem.toFunctionSelector('Stopped(uint8)'),
            viem.toHex(number, {size: 32})]);
        await liar.send(w.admin, 'behave', WAY.stopped, data);
        await hook.send(w.admin, 'onTransfer', liar.address,
            liar.encode('trade', ZERO, 0n, 0n), true);
        assertEndedWith(await ended(w, w.operator, 'pay', intent(), NEVER, hook.address, w.outside,
            5n), RESULT.reverted);
    }
});

check('a venue that takes more, gives more or gives nothing gets nothing', async (w) => {
    const {usdc, eth, dai} = w;
    const cases = [
        [ETH, usdc, 2000n * USDC + 1n, eth, ETH, RESULT.reverted],
        [ETH, usdc, 2000n * USDC, eth, ETH + 1n, RESULT.reverted],
        [ETH, usdc, 1n, eth, 10n ** 9n - 1n, RESULT.capacity_exceeded],
        [ETH, usdc, 2000n * USDC, null, 0n, RESULT.capacity_exceeded],
        [ETH, eth, 1n, usdc, 1n, RESULT.reverted],
        [ETH, dai, 1n, eth, ETH, RESULT.reverted],
        [ETH, null, 0n, usdc, 1n, RESULT.reverted],
        [-ETH, eth, ETH + 1n, usdc, 9000n * USDC, RESULT.reverted],
        [-ETH, null, 0n, usdc, 9000n * USDC, RESULT.capacity_exceeded],
        [-ETH, null, 0n, eth, 1n, RESULT.reverted],
    ];
    for (const [quantity, taken, take, given, give, result] of cases) {
        await venueDoes(w, taken, take, given, give);
        await assertFails(w, result, quantity);
    }
});

check('a venue cannot come back in', async (w) => {
    const {vault, usdc, eth, venue, admin, outside} = w;
    await vault.send(admin, 'grantRole', role('OPERATOR'), venue.address);
    await vault.send(admin, 'grantRole', viem.padHex('0x', {size: 32}), venue.address);
    await vault.send(w.lister, 'allowBridge', venue.address);
    await w.chain.pass(DELAY);
    const attempts = [
        ['deposit', 1n, usdc.address, 1n],
        ['pay', intent(), NEVER, usdc.address, outside, 1n],
        ['trade', intent(), NEVER, venue.address, eth.address, ETH, usdcPerEth(2000n)],
        ['bridgeOut', intent(), NEVER, venue.address, usdc.address, 1n, ABROAD, outside],
        // What has just come in is not booked yet: booked now, it would be booked twice.
        ['arrived', intent(), eth.address, 10n ** 9n],
        ['fund', eth.address, 10n ** 9n],
        ['writeOff', usdc.address],
        ['effectPay', intent(), usdc.address, outside, 1n],
    ];
    for (const [name, ...args] of attempts) {
        await venueDoes(w, usdc, 1000n * USDC, eth, ETH, WAY.call, vault.encode(name, ...args));
        await assertFails(w, RESULT.reverted, ETH);
    }
    // The calls themselves are good ones: it is being inside that stops them.
    await venueDoes(w, usdc, 1000n * USDC, eth, ETH, WAY.call, vault.encode('depositCount'));
    assert.equal((await trade(w, ETH)).result, RESULT.none);
});

check('a token with hooks cannot bring a deposit in twice', async (w) => {
    const {vault, client, admin} = w;
    const hook = await w.chain.deploy(admin, 'HostileToken', 6, admin);
    await hook.send(admin, 'grantRole', role('MINTER'), admin);
    await vault.send(w.lister, 'listToken', hook.address, 6);
    await hook.send(admin, 'mint', client, 100n);
    await hook.send(client, 'approve', vault.address, 100n);
    await hook.send(admin, 'onTransfer', vault.address,
        vault.encode('deposit', 1n, hook.address, 1n), true);
    await refuses(vault.send(client, 'deposit', 1n, hook.address, 50n),
        'ReentrancyGuardReentrantCall');
    // More arrives than was said: it is not this deposit's.
    await hook.send(admin, 'mint', hook.address, 10n);
    await hook.send(admin, 'onTransfer', hook.address,
        hook.encode('transfer', vault.address, 10n), true);
    await refuses(vault.send(client, 'deposit', 1n, hook.address, 50n), 'FeeOnTransfer',
        hook.address, 50n, 60n);
});

check('a venue that burns its gas or talks without end fails alone', async (w) => {
    const gas = await w.vault.read('gasWanted');
    for (const [way, result] of [['burnGas', RESULT.reverted],
        ['revertMuch', RESULT.capacity_exceeded], ['returnMuch', RESULT.capacity_exceeded]]) {
        await venueDoes(w, null, 0n, null, 0n, WAY[way]);
        await assertFails(w, result, ETH, {from: {from: w.operator, gas}});
    }
    const bridge = await w.chain.deploy(w.admin, 'HostileVenue');
    await w.vault.send(w.lister, 'allowBridge', bridge.address);
    await w.chain.pass(DELAY);
    await bridge.send(w.admin, 'behave', WAY.burnGas, '0x');
    assertEndedWith(await ended(w, {from: w.operator, gas}, 'bridgeOut', intent(), NEVER,
        bridge.address, w.usdc.address, 1n, ABROAD, w.outside), RESULT.reverted);
});

check('a token that leaves only a long word behind fails alone', async (w) => {
    const gas = await w.vault.read('gasWanted');
    const bomb = await w.chain.deploy(w.admin, 'HostileToken', 6, w.admin);
    await bomb.send(w.admin, 'grantRole', role('MINTER'), w.admin);
    await w.vault.send(w.lister, 'listToken', bomb.address, 6);
    await deposit(w, bomb, 100n);
    await bomb.send(w.admin, 'arm');
    assertEndedWith(await ended(w, {from: w.operator, gas}, 'pay', intent(), NEVER, bomb.address,
        w.outside, 5n), RESULT.reverted);
});

check('too little gas never makes a good intent fail for good', async (w) => {
    await venueDoes(w, w.usdc, 2000n * USDC, w.eth, ETH);
    const wanted = await w.vault.read('gasWanted');
    let refused = 0;
    for (let gas = 60_000n; gas <= wanted + 100_000n; gas += 20_011n) {
        const id = intent();
        const found = await trade(w, ETH, {intent: id, from: {from: w.operator, gas}})
            .catch((error) => error);
        if (found instanceof Error) {
            refused += 1;
            assert.equal(await w.vault.read('done', id), viem.padHex('0x', {size: 32}));
            assert.ok(gas < wanted, `${gas} of ${wanted}: ${found.message}`);
        } else {
            assert.equal(found.result, RESULT.none, `with gas ${gas}`);
        }
    }
    assert.ok(refused > 10);
    const little = {from: {from: w.operator, gas: wanted - 60_000n}};
    await refuses(trade(w, ETH, little), 'GasTooLow');
});

check('the gas of an effect does not depend on the transaction\'s', async (w) => {
    const seen = [];
    // The first time that the venue writes something down is dearer than later ones.
    await venueDoes(w, w.usdc, 2000n * USDC, w.eth, ETH);
    await trade(w, ETH);
    const wanted = await w.vault.read('gasWanted');
    for (const gas of [wanted, 2n * wanted, 5n * wanted]) {
        await venueDoes(w, w.usdc, 2000n * USDC, w.eth, ETH);
        await trade(w, ETH, {from: {from: w.operator, gas}});
        seen.push(await w.venue.read('seenGas'));
    }
    assert.ok(seen[0] > EFFECT_GAS / 2n);
    assert.deepEqual(seen, [seen[0], seen[0], seen[0]]);
});

check('a bridge takes exactly what it is given, or nothing happens', async (w) => {
    const {vault, usdc, bridge, operator, outside, stranger} = w;
    const out = (amount, {to = outside, through = bridge.address, token = usdc.address} = {}) =>
        ended(w, operator, 'bridgeOut', intent(), NEVER, through, token, amount, ABROAD, to);
    const does = (take, give = 0n, way = 0) =>
        venueDoes({...w, venue: bridge}, usdc, take, usdc, give, way);
    const before = await stateOf(w);
    await does(99n);
    assertEndedWith(await out(100n), RESULT.reverted);
    await does(101n);
    assertEndedWith(await out(100n), RESULT.reverted);
    await does(100n, 0n, WAY.other);
    assertEndedWith(await out(100n), RESULT.reverted);
    await does(100n);
    assertEndedWith(await out(100n, {to: stranger}), RESULT.unsupported);
    assertEndedWith(await out(100n, {through: w.venue.address}), RESULT.unsupported);
    assertEndedWith(await out(0n), RESULT.unsupported);
    assertEndedWith(await out(100n, {token: stranger}), RESULT.unsupported);
    assertEndedWith(await out(10n ** 12n + 1n), RESULT.insufficient_balance);
    assert.deepEqual(await stateOf(w), before);
    const found = await out(100n);
    assert.deepEqual([found.result, found.given, found.givenAmount, found.received, found.filled],
        [RESULT.none, usdc.address, 100n, ZERO, 0n]);
    assert.equal(await usdc.read('allowance', vault.address, bridge.address), 0n);
    assert.equal(await vault.read('booked', usdc.address), before[0].booked - 100n);
});

check('books and chain agree whatever happens', async (w) => {
    const {vault, dai, eth, admin, operator, outside, daiVenue} = w;
    const {below, between, pick} = random('books');
    const unit = 10n ** 9n;
    const at = {...w, venue: daiVenue};
    const books = new Map();
    for (const token of [dai, eth]) {
        books.set(token, await token.read('balanceOf', vault.address) / unit);
    }
    const amount = () => between(1n, 50n) * pick([1n, unit, unit - 1n, 12345n * unit + 7n]);
    const floor = (raw) => raw / unit;
    const ceil = (raw) => (raw + unit - 1n) / unit;
    const add = (token, units) => books.set(token, books.get(token) + units);
    const moves = [
        async (token) => { // A client's deposit.
            const units = between(1n, 1000n);
            await deposit(w, token, units * unit);
            add(token, units);
        },
        async (token) => { // Somebody sends something unasked: nobody books it.
            await token.send(admin, 'mint', vault.address, amount());
        },
        async (token) => { // A payment.
            const units = between(1n, 1000n);
            await ended(w, operator, 'pay', intent(), NEVER, token.address, outside, units * unit);
            add(token, -units);
        },
        async (token) => { // A bridge's delivery, of any amount.
            const raw = amount();
            await token.send(admin, 'mint', vault.address, raw);
            await vault.send(w.bridge.address, 'arrived', intent(), token.address, raw);
            add(token, floor(raw));
        },
        async (token) => { // A trade, of any part and at any price within the limit.
            const isBuy = token === eth;
            const size = between(1n, 100n) * unit;
            const part = between(unit, size);
            const cash = 2n * part + (isBuy ? -below(part) : below(part));
            const [taken, take, given, give] = isBuy
                ? [dai, cash, eth, part] : [eth, part, dai, cash];
            await venueDoes(at, taken, take, given, give);
            const found = await trade(at, isBuy ? size : -size, {limit: 2n * ONE});
            assert.equal(found.result, RESULT.none);
            assert.equal(found.givenAmount, ceil(take) * unit);
            assert.equal(found.receivedAmount, floor(give) * unit);
            add(taken, -ceil(take));
            add(given, floor(give));
        },
        async () => { // A trade that fails.
            await venueDoes(at, dai, 2n * unit, eth, between(0n, unit - 1n));
            assertEndedWith(await trade(at, unit, {limit: 2n * ONE}), RESULT.capacity_exceeded);
        },
    ];
    await w.chain.rpc('anvil_impersonateAccount', w.bridge.address);
    await w.chain.rpc('anvil_setBalance', w.bridge.address, viem.toHex(10n ** 18n));
    const dust = new Map([[dai, 0n], [eth, 0n]]);
    for (let step = 0; step < 120; ++step) {
        await pick(moves)(pick([dai, eth]));
        for (const token of [dai, eth]) {
            const balance = await token.read('balanceOf', vault.address);
            const now = await vault.read('dust', token.address);
            assert.equal((balance - now) % unit, 0n);
            assert.equal((balance - now) / unit, books.get(token), `step ${step}`);
            assert.equal(await vault.read('held', token.address), balance - now);
            assert.ok(now >= dust.get(token), 'dust only grows');
            dust.set(token, now);
        }
    }
});
