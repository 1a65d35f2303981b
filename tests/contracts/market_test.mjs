// The binary market: complete sets, a maker's price, and the three ways in which it ends.

import assert from 'node:assert/strict';
import {after, beforeEach, before, test} from 'node:test';
import {ONE, makeToken, only, refuses, role, startChain} from './support.mjs';

const OUTCOME = {open: 0, yes: 1, no: 2, invalid: 3};
const USDC = 10n ** 6n;
const MANY = 10n ** 15n;
const CASH = 1000n * USDC;

let chain;
let admin;
let maker;
let oracle;
let trader;
let usdc;
let market;
let yes;
let no;
before(async () => {
    chain = await startChain();
    [admin, maker, oracle, trader] = chain.accounts;
    usdc = await makeToken(chain, 'USDC', 6);
    for (const account of [maker, trader]) await usdc.send(admin, 'mint', account, MANY);
});
beforeEach(async () => {
    market = await chain.deploy(admin, 'BinaryMarket', usdc.address, 'AUG-Y', 'AUG-N', admin);
    yes = chain.at('TestToken', await market.read('yes'));
    no = chain.at('TestToken', await market.read('no'));
    await market.send(admin, 'grantRole', role('MAKER'), maker);
    await market.send(admin, 'grantRole', role('ORACLE'), oracle);
    for (const account of [maker, trader]) {
        for (const token of [usdc, yes, no]) {
            await token.send(account, 'approve', market.address, MANY);
        }
    }
    await market.send(maker, 'addCash', CASH);
    await market.send(maker, 'quote', 4n * ONE / 10n, ONE / 100n, 500n * USDC);
});
after(() => chain?.stop());

const trade = async (token, quantity, limit) =>
    only(market, await market.send(trader, 'trade', token.address, quantity, limit), 'Traded');

const held = (token, account) => token.read('balanceOf', account.address ?? account);

/** Every set is backed, and the maker's cash besides. */
async function assertBacked() {
    const collateral = await held(usdc, market);
    const sets = await yes.read('totalSupply');
    assert.equal(await no.read('totalSupply'), sets);
    assert.equal(collateral, sets + await market.read('cash'));
}

test('a complete set costs a unit and is worth it', async () => {
    const before = await held(usdc, trader);
    await market.send(trader, 'split', 7n * USDC);
    assert.deepEqual([await held(yes, trader), await held(no, trader)], [7n * USDC, 7n * USDC]);
    await market.send(trader, 'merge', 3n * USDC);
    assert.equal(await held(usdc, trader), before - 4n * USDC);
    await assertBacked();
    await yes.send(trader, 'transfer', maker, 4n * USDC);
    await refuses(market.send(trader, 'merge', 1n), 'ERC20InsufficientBalance');
    assert.equal(await yes.read('decimals'), 6);
});

test('the maker sells above the middle and buys below it', async () => {
    const bought = await trade(yes, 100n * USDC, 41n * ONE / 100n);
    assert.deepEqual([bought.filled, bought.cash], [100n * USDC, 41n * USDC]);
    await assertBacked();
    const boughtNo = await trade(no, 100n * USDC, 61n * ONE / 100n);
    assert.equal(boughtNo.cash, 61n * USDC);
    await assertBacked();
    const sold = await trade(yes, -50n * USDC, 39n * ONE / 100n);
    assert.deepEqual([sold.filled, sold.cash], [-50n * USDC, 195n * USDC / 10n]);
    const soldNo = await trade(no, -100n * USDC, 59n * ONE / 100n);
    assert.equal(soldNo.cash, 59n * USDC);
    await assertBacked();
    assert.equal(await held(yes, market) === 0n || await held(no, market) === 0n, true);
    assert.equal(await market.read('capacity'), 150n * USDC);
    await refuses(trade(yes, USDC, 41n * ONE / 100n - 1n), 'OutsideBound');
    await refuses(trade(yes, -USDC, 39n * ONE / 100n + 1n), 'OutsideBound');
    assert.equal((await trade(yes, 1n, ONE)).cash, 1n);
    assert.equal((await trade(yes, -1n, 0n)).cash, 0n);
});

test('as much as the maker wants, and has', async () => {
    assert.equal((await trade(yes, 501n * USDC, ONE)).filled, 500n * USDC);
    await refuses(trade(yes, USDC, ONE), 'NoCapacity');
    await market.send(maker, 'quote', 4n * ONE / 10n, 0n, MANY);
    await refuses(trade(yes, MANY / 100n, ONE), 'NoCapacity');
    await market.send(trader, 'split', MANY / 10n);
    await refuses(trade(yes, -MANY / 10n, 0n), 'NoCapacity');
    await assertBacked();
});

test('the maker takes out its own and no more', async () => {
    await trade(yes, 100n * USDC, ONE);
    const cash = await market.read('cash');
    assert.equal(cash, CASH + 41n * USDC - 100n * USDC);
    await refuses(market.send(maker, 'takeOut', cash + 1n), 'Panic');
    await market.send(maker, 'takeOut', cash);
    assert.equal(await held(no, maker), 100n * USDC);
    await assertBacked();
});

test('what is worth nothing, one, or half', async () => {
    for (const [outcome, yesWorth, noWorth] of [[OUTCOME.yes, 10n, 0n], [OUTCOME.no, 0n, 10n],
        [OUTCOME.invalid, 5n, 5n]]) {
        const snapshot = await chain.rpc('evm_snapshot');
        await market.send(trader, 'split', 30n * USDC);
        await refuses(market.send(trader, 'redeem', yes.address, 1n), 'BadOutcome');
        await market.send(oracle, 'resolve', outcome);
        assert.equal(await market.read('valueOf', yes.address), yesWorth * ONE / 10n);
        const before = await held(usdc, trader);
        await market.send(trader, 'redeem', yes.address, 10n * USDC);
        await market.send(trader, 'redeem', no.address, 10n * USDC);
        assert.equal(await held(usdc, trader), before + 10n * USDC);
        // At the venue's door: the same, within the limit.
        const value = (worth) => worth * ONE / 10n;
        const sell = (token, limit) =>
            market.send(trader, 'trade', token.address, -10n * USDC, limit);
        await refuses(sell(yes, value(yesWorth) + 1n), 'OutsideBound');
        await sell(yes, value(yesWorth));
        await sell(no, value(noWorth));
        assert.equal(await held(usdc, trader), before + 20n * USDC);
        await refuses(market.send(trader, 'trade', yes.address, USDC, ONE), 'AlreadyResolved');
        await refuses(market.send(trader, 'split', 1n), 'AlreadyResolved');
        await market.send(trader, 'merge', 10n * USDC);
        await refuses(market.send(oracle, 'resolve', outcome), 'AlreadyResolved');
        await market.send(maker, 'takeOut', CASH);
        assert.equal(await held(usdc, market), 0n);
        await chain.rpc('evm_revert', snapshot);
    }
});

test('an odd number of halves rounds down', async () => {
    await market.send(trader, 'split', 3n);
    await market.send(oracle, 'resolve', OUTCOME.invalid);
    const before = await held(usdc, trader);
    await market.send(trader, 'redeem', yes.address, 3n);
    assert.equal(await held(usdc, trader), before + 1n);
});

test('who may do what', async () => {
    const denied = 'AccessControlUnauthorizedAccount';
    await refuses(market.send(admin, 'resolve', OUTCOME.yes), denied);
    await refuses(market.send(trader, 'quote', 0n, 0n, 1n), denied);
    await refuses(market.send(trader, 'addCash', 1n), denied);
    await refuses(market.send(trader, 'takeOut', 1n), denied);
    await refuses(yes.send(admin, 'mint', admin, 1n), denied);
    await refuses(market.send(oracle, 'resolve', OUTCOME.open), 'BadOutcome');
    await refuses(market.send(maker, 'quote', ONE + 1n, 0n, 1n), 'BadQuote');
    await refuses(market.send(maker, 'quote', ONE / 10n, ONE / 10n + 1n, 1n), 'BadQuote');
    await refuses(market.send(maker, 'quote', 9n * ONE / 10n, ONE / 10n + 1n, 1n), 'BadQuote');
    await refuses(market.send(trader, 'trade', usdc.address, 1n, ONE), 'NotAnOutcome',
        usdc.address);
    await refuses(market.send(trader, 'redeem', usdc.address, 1n), 'NotAnOutcome', usdc.address);
    await refuses(trade(yes, 0n, ONE), 'NoCapacity');
});
