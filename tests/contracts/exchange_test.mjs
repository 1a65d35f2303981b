// The synthetic exchange: an oracle's price, a fee, capacity by block.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {ONE, makeToken, only, refuses, role, startChain} from './support.mjs';

const AGE_MAX = 3600n;
const CAPACITY = 10n * 10n ** 18n;
const BTC = 10n ** 18n;
const price = (usd) => usd * 10n ** 6n * ONE / BTC;

let chain;
let admin;
let feeder;
let trader;
let usdc;
let synth;
let exchange;
before(async () => {
    chain = await startChain();
    [admin, feeder, trader] = chain.accounts;
    usdc = await makeToken(chain, 'USDC', 6);
    synth = await makeToken(chain, 'sBTC', 18);
    exchange = await chain.deploy(admin, 'SyntheticExchange', usdc.address, 3000n, AGE_MAX, admin);
    await synth.send(admin, 'grantRole', role('MINTER'), exchange.address);
    await exchange.send(admin, 'grantRole', role('FEEDER'), feeder);
    await exchange.send(admin, 'list', synth.address, CAPACITY);
    await usdc.send(admin, 'mint', trader, 10n ** 15n);
    for (const token of [usdc, synth]) await token.send(trader, 'approve', exchange.address, ONE);
});
after(() => chain?.stop());

const trade = async (quantity, limit) => {
    const receipt = await exchange.send(trader, 'trade', synth.address, quantity, limit);
    return only(exchange, receipt, 'Traded');
};

test('buys mint and sales burn, at the price with the fee', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(60_000n));
    const bought = await trade(BTC, price(60_180n));
    assert.deepEqual([bought.filled, bought.cash], [BTC, 60_180n * 10n ** 6n]);
    assert.equal(await synth.read('balanceOf', trader), BTC);
    assert.equal(await usdc.read('balanceOf', exchange.address), 60_180n * 10n ** 6n);
    const sold = await trade(-BTC / 2n, price(59_820n));
    assert.deepEqual([sold.filled, sold.cash], [-BTC / 2n, 29_910n * 10n ** 6n]);
    assert.equal(await synth.read('totalSupply'), BTC / 2n);
});

test('rounding is against the trader', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(60_000n));
    assert.equal((await trade(1n, 2n * ONE)).cash, 1n);
    assert.equal((await trade(-1n, 0n)).cash, 0n);
});

test('nothing outside the limit', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(60_000n));
    await refuses(trade(BTC, price(60_180n) - 1n), 'OutsideBound');
    await refuses(trade(-BTC / 4n, price(59_820n) + 1n), 'OutsideBound');
});

test('a block fills up to its capacity, and the next one again', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(10n));
    await chain.rpc('evm_setAutomine', false);
    const data = exchange.encode('trade', synth.address, 6n * BTC, price(11n));
    const hashes = [];
    for (let i = 0; i < 3; ++i) {
        hashes.push(await chain.rpc('eth_sendTransaction',
            {from: trader, to: exchange.address, data, gas: '0x7a120'}));
    }
    await chain.rpc('evm_mine');
    await chain.rpc('evm_setAutomine', true);
    const receipts = await Promise.all(hashes.map((hash) =>
        chain.rpc('eth_getTransactionReceipt', hash)));
    assert.deepEqual(receipts.map(({status}) => status), ['0x1', '0x1', '0x0']);
    const filled = (receipt) => only(exchange, receipt, 'Traded').filled;
    assert.deepEqual(receipts.slice(0, 2).map(filled), [6n * BTC, 4n * BTC]);
    assert.equal((await trade(11n * BTC, price(11n))).filled, CAPACITY);
    await refuses(trade(0n, price(11n)), 'NoCapacity');
});

test('sellers are paid as far as the reserve goes', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(10_000_000n));
    await refuses(trade(-5n * BTC, 0n), 'NoCapacity');
});

test('a price that is old is none, and a synth without one neither', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(60_000n));
    await chain.rpc('evm_setNextBlockTimestamp', Number(await chain.now() + AGE_MAX));
    await chain.rpc('evm_mine');
    await chain.rpc('evm_increaseTime', 1);
    await refuses(trade(BTC, price(70_000n)), 'StalePrice');
    const other = await makeToken(chain, 'sETH', 18);
    await refuses(exchange.send(feeder, 'setPrice', other.address, 1n), 'UnknownSynth',
        other.address);
    await refuses(exchange.send(trader, 'trade', other.address, 1n, ONE), 'UnknownSynth');
    await exchange.send(admin, 'list', other.address, 1n);
    await refuses(exchange.send(trader, 'trade', other.address, 1n, ONE), 'StalePrice', 0n);
});

test('suspended for a while, failed for good', async () => {
    await exchange.send(feeder, 'setPrice', synth.address, price(60_000n));
    await exchange.send(admin, 'suspend', true);
    await refuses(trade(BTC, price(70_000n)), 'Suspended');
    await exchange.send(admin, 'suspend', false);
    await trade(BTC, price(70_000n));
    await exchange.send(admin, 'fail');
    await refuses(trade(BTC, price(70_000n)), 'Failed');
});

test('everything else is the admin\'s, the price the feeder\'s', async () => {
    const no = 'AccessControlUnauthorizedAccount';
    await refuses(exchange.send(trader, 'list', synth.address, 1n), no);
    await refuses(exchange.send(feeder, 'suspend', true), no);
    await refuses(exchange.send(feeder, 'fail'), no);
    await refuses(exchange.send(admin, 'setPrice', synth.address, 1n), no);
    await refuses(chain.deploy(admin, 'SyntheticExchange', usdc.address, 10n ** 6n, 1n, admin),
        'BadFee', 10n ** 6n);
    await refuses(synth.send(trader, 'mint', trader, 1n), no);
});
