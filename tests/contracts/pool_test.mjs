// The constant product pool, against whole numbers without limits.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {ONE, makeToken, only, random, refuses, startChain} from './support.mjs';

const PPM = 1_000_000n;
const MANY = 10n ** 40n;

let chain;
let provider;
let trader;
let base;
let quote;
before(async () => {
    chain = await startChain();
    [provider, trader] = chain.accounts;
    base = await makeToken(chain, 'BASE', 18);
    quote = await makeToken(chain, 'QUOTE', 6);
    for (const token of [base, quote]) {
        for (const account of [provider, trader]) await token.send(provider, 'mint', account, MANY);
    }
});
after(() => chain?.stop());

async function makePool(baseReserve, quoteReserve, feePpm) {
    const pool = await chain.deploy(provider, 'ConstantProductPool', base.address, quote.address,
        feePpm, provider);
    for (const account of [provider, trader]) {
        for (const token of [base, quote]) await token.send(account, 'approve', pool.address, MANY);
    }
    await pool.send(provider, 'addLiquidity', baseReserve, quoteReserve);
    return pool;
}

async function trade(pool, quantity, limit) {
    const receipt = await pool.send(trader, 'trade', base.address, quantity, limit);
    const {filled, cash} = only(pool, receipt, 'Traded');
    return {filled, cash};
}

const reservesOf = async (pool) =>
    [await pool.read('baseReserve'), await pool.read('quoteReserve')];

const ceilDiv = (a, b) => (a + b - 1n) / b;
const abs = (number) => (number < 0n ? -number : number);

const root = (number) => BigInt(Math.floor(Math.sqrt(Number(number))));

/** What the whole quantity costs or brings, rounded against the trader. */
function cashFor(quantity, x, y, fee) {
    const net = PPM - fee;
    if (quantity > 0n) return ceilDiv(y * quantity * PPM, (x - quantity) * net);
    return y * -quantity * net / (x * PPM - quantity * net);
}

const isWithin = (quantity, cash, limit) =>
    (quantity > 0n ? cash * ONE <= quantity * limit : cash * ONE >= -quantity * limit);

test('a price by hand', async () => {
    const pool = await makePool(1000n * 10n ** 18n, 2_000_000n * 10n ** 6n, 3000n);
    // 10 of 1000 for 2000000 / 990 * 10 / 0.997.
    const bought = await trade(pool, 10n * 10n ** 18n, ONE);
    assert.deepEqual(bought, {filled: 10n * 10n ** 18n, cash: 20_262_808_628n});
    const sold = await trade(pool, -(10n ** 18n), 0n);
    assert.deepEqual(sold, {filled: -(10n ** 18n), cash: 2_032_500_623n});
});

test('the largest part, found by trying all of them', async () => {
    const {between} = random('parts');
    for (let round = 0; round < 12; ++round) {
        const [x, y] = [between(2000n, 20_000n), between(2000n, 200_000n)];
        const fee = between(0n, 2n) * 3000n;
        const pool = await makePool(x, y, fee);
        const limit = y * ONE * between(80n, 140n) / (x * 100n);
        const side = round % 2 === 0 ? 1n : -1n;
        const most = side > 0n ? x - 1n : 2n * x;
        let best = 0n;
        for (let part = 1n; part <= most; ++part) {
            if (isWithin(side * part, cashFor(side * part, x, y, fee), limit)) best = part;
        }
        const found = await trade(pool, side * most, limit).catch((error) => {
            assert.equal(error.error, 'OutsideBound');
            return {filled: 0n, cash: 0n};
        });
        const filled = abs(found.filled);
        const what = `${found.filled} of ${best} in ${x}, ${y} at ${limit}, fee ${fee}`;
        assert.ok(isWithin(found.filled, found.cash, limit), what);
        assert.ok(filled <= best, what);
        // A part is worth a unit of cash more than its limit from the root of x / limit on: below
        // that, rounding decides, and the pool may give up a part that could just be filled.
        assert.ok(best - filled <= 2n * root(x * ONE / limit) + 3n, what);
    }
});

test('a part of a real pool ends where the next unit of cash would break the limit', async () => {
    const {between} = random('real');
    for (let round = 0; round < 10; ++round) {
        const [x, y] = [between(10n ** 20n, 10n ** 22n), between(10n ** 11n, 10n ** 13n)];
        const fee = 3000n;
        const pool = await makePool(x, y, fee);
        const side = round % 2 === 0 ? 1n : -1n;
        const spot = y * ONE / x;
        const limit = spot * (1000n + side * between(5n, 100n)) / 1000n;
        const found = await trade(pool, side * x / 2n, limit);
        assert.ok(isWithin(found.filled, found.cash, limit));
        assert.ok(abs(found.filled) < x / 2n);
        const worth = x / y + 1n; // One raw unit of quote, in base.
        const more = found.filled + side * 3n * worth;
        const what = `${found.filled} of ${x}, ${y}`;
        assert.ok(!isWithin(more, cashFor(more, x, y, fee), limit), what);
    }
});

test('the product of the reserves never falls', async () => {
    const {between, pick} = random('product');
    const pool = await makePool(10n ** 21n, 2n * 10n ** 12n, 3000n);
    for (let step = 0; step < 60; ++step) {
        const [x, y] = await reservesOf(pool);
        const side = pick([1n, -1n]);
        const size = between(1n, pick([10n, 10n ** 12n, x / 20n]));
        const limit = side < 0n ? 0n : 2n ** 250n;
        const {filled, cash} = await trade(pool, side * size, limit);
        assert.equal(filled, side * size);
        assert.equal(cash, cashFor(filled, x, y, 3000n));
        const after = await reservesOf(pool);
        assert.deepEqual(after, [x - filled, y + side * cash]);
        assert.ok(after[0] * after[1] >= x * y, `step ${step}: ${x} ${y} ${filled} ${cash}`);
        assert.equal(await base.read('balanceOf', pool.address), after[0]);
        assert.equal(await quote.read('balanceOf', pool.address), after[1]);
    }
});

test('a pool is never bought empty, and too much is refused', async () => {
    const pool = await makePool(1000n, 1000n, 0n);
    const {filled, cash} = await trade(pool, 2000n, 2n ** 250n);
    assert.deepEqual([filled, cash], [999n, 999_000n]);
    await refuses(pool.send(provider, 'addLiquidity', 2n ** 112n, 0n), 'ReserveTooLarge');
    await refuses(trade(pool, 0n, ONE), 'NoCapacity');
    await refuses(trade(pool, 1n, 0n), 'OutsideBound');
    await refuses(trade(pool, 1n, ONE), 'OutsideBound');
    await refuses(trade(pool, -1n, 2n ** 250n), 'OutsideBound');
    await refuses(pool.send(trader, 'trade', quote.address, 1n, ONE), 'NotTraded', quote.address);
});

test('the provider alone adds and removes', async () => {
    const pool = await makePool(1000n, 1000n, 0n);
    await refuses(pool.send(trader, 'addLiquidity', 1n, 1n), 'OwnableUnauthorizedAccount');
    await refuses(pool.send(trader, 'removeLiquidity', 1n, 1n), 'OwnableUnauthorizedAccount');
    await pool.send(provider, 'removeLiquidity', 1000n, 400n);
    assert.deepEqual(await reservesOf(pool), [0n, 600n]);
    assert.equal(await quote.read('balanceOf', pool.address), 600n);
    await refuses(trade(pool, 1n, 2n ** 250n), 'NoCapacity');
    await refuses(chain.deploy(provider, 'ConstantProductPool', base.address, quote.address, PPM,
        provider), 'BadFee', PPM);
});
