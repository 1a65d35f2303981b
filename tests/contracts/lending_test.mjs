// The lending pool: an index by the second, shares at the index, and a loss.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {ONE, ZERO, makeToken, only, refuses, startChain} from './support.mjs';

const RAY = 10n ** 27n;
const DAI = 10n ** 18n;

let chain;
let owner;
let trader;
let dai;
let pool;
before(async () => {
    chain = await startChain();
    [owner, trader] = chain.accounts;
    dai = await makeToken(chain, 'DAI', 18);
    pool = await makePool();
    await dai.send(owner, 'mint', trader, 10n ** 9n * DAI);
});
after(() => chain?.stop());

async function makePool(index = RAY) {
    const made = await chain.deploy(owner, 'LendingPool', dai.address, 'Lent DAI', 'aDAI', index,
        owner);
    await dai.send(trader, 'approve', made.address, 10n ** 9n * DAI);
    await made.send(trader, 'approve', made.address, 10n ** 9n * DAI);
    return made;
}

async function trade(quantity, limit, of = pool) {
    const receipt = await of.send(trader, 'trade', of.address, quantity, limit);
    return only(of, receipt, 'Traded');
}

/** Mines the next block exactly so many seconds later. */
const next = async (seconds) =>
    chain.rpc('evm_setNextBlockTimestamp', Number(await chain.now() + seconds));

test('the index grows by the second, at the rate of its time', async () => {
    const rate = RAY / 1000n;
    await pool.send(owner, 'setRate', rate);
    await next(10n);
    await chain.rpc('evm_mine');
    assert.equal(await pool.read('index'), RAY + RAY / 100n);
    await next(10n);
    await pool.send(owner, 'setRate', 0n);
    assert.equal(await pool.read('index'), RAY + 2n * RAY / 100n);
    await chain.pass(1000n);
    assert.equal(await pool.read('index'), RAY + 2n * RAY / 100n);
    assert.equal(await pool.read('decimals'), 18);
});

test('shares are bought and sold at the index, rounded against the trader', async () => {
    const bought = await trade(100n * DAI, 102n * ONE / 100n);
    assert.deepEqual([bought.filled, bought.cash], [100n * DAI, 102n * DAI]);
    assert.equal(await pool.read('balanceOf', trader), 100n * DAI);
    assert.equal((await trade(1n, 2n * ONE)).cash, 2n);
    assert.equal((await trade(-1n, 0n)).cash, 1n);
    const sold = await trade(-50n * DAI, 102n * ONE / 100n);
    assert.deepEqual([sold.filled, sold.cash], [-50n * DAI, 51n * DAI]);
    await refuses(trade(DAI, 102n * ONE / 100n - 1n), 'OutsideBound');
    await refuses(trade(-DAI, 102n * ONE / 100n + 1n), 'OutsideBound');
    await refuses(pool.send(trader, 'trade', dai.address, 1n, ONE), 'NotShare', dai.address);
    await refuses(trade(0n, ONE), 'NoCapacity');
});

test('what is lent out cannot be got back before it returns', async () => {
    const there = await dai.read('balanceOf', pool.address);
    await pool.send(owner, 'lend', owner, there - 102n * DAI / 10n);
    assert.equal((await trade(-50n * DAI, ONE)).filled, -10n * DAI);
    await refuses(trade(-DAI, ONE), 'NoCapacity');
    await dai.send(owner, 'transfer', pool.address, there - 102n * DAI / 10n);
    assert.equal((await trade(-DAI, ONE)).filled, -DAI);
});

test('selling needs an allowance and the shares', async () => {
    await pool.send(trader, 'approve', pool.address, 0n);
    await refuses(trade(-DAI, 0n), 'ERC20InsufficientAllowance');
    await pool.send(trader, 'approve', pool.address, 10n ** 9n * DAI);
    await dai.send(owner, 'mint', pool.address, 1000n * DAI);
    await refuses(trade(-1000n * DAI, 0n), 'ERC20InsufficientBalance');
});

test('a loss: the index falls, nobody lends, all get back what is left', async () => {
    const no = 'OwnableUnauthorizedAccount';
    for (const [name, ...args] of [['fail', 1n], ['setRate', 1n], ['lend', trader, 1n]]) {
        await refuses(pool.send(trader, name, ...args), no);
    }
    await refuses(pool.send(owner, 'fail', 1_000_001n), 'BadLoss', 1_000_001n);
    await pool.send(owner, 'fail', 500_000n);
    assert.equal(await pool.read('index'), 51n * RAY / 100n);
    await refuses(trade(DAI, 2n * ONE), 'Failed');
    await refuses(trade(-DAI, ONE), 'OutsideBound');
    assert.equal((await trade(-DAI, ONE / 2n)).cash, 51n * DAI / 100n);
    const lost = await makePool(2n * RAY);
    assert.equal((await trade(DAI, 2n * ONE, lost)).cash, 2n * DAI);
    await lost.send(owner, 'fail', 1_000_000n);
    assert.equal((await trade(-DAI, 0n, lost)).cash, 0n);
    assert.equal(await lost.read('totalSupply'), 0n);
    await refuses(chain.deploy(owner, 'LendingPool', dai.address, '', '', RAY, ZERO),
        'OwnableInvalidOwner');
});
