// Deploying the shipped descriptions, and what is said about wrong ones.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {after, before, test} from 'node:test';
import {connect} from '../../deploy/chain/connect.mjs';
import {deploy} from '../../deploy/chain/deploy.mjs';
import {readDescription} from '../../deploy/chain/description.mjs';
import {npm} from '../../deploy/chain/npm.mjs';
import {NEVER, RESULT, intent, only, role, startAnvil, startChain, viem} from './support.mjs';

const SCRIPTS = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/chain');
const ADMIN = viem.padHex('0x', {size: 32});
const described = (name) => join(SCRIPTS, `${name}.json`);

let chain;
let folder;
let second;
before(async () => {
    chain = await startChain();
    second = await startAnvil('--chain-id', '31338');
    folder = mkdtempSync(join(tmpdir(), 'crossclear-deploy-'));
});
after(() => {
    chain?.stop();
    second?.stop();
    if (folder) rmSync(folder, {recursive: true});
});

const options = (roles) => ({roles, contracts: chain.contracts});

/** As a limit: so many quote for one base, a little worse than `price` for a buyer. */
function limitOf({tokens}, base, quote, price) {
    const digits = BigInt(tokens[quote].decimals - tokens[base].decimals);
    const scaled = viem.parseUnits(price, 36);
    return digits >= 0n ? scaled * 10n ** digits : scaled / 10n ** -digits;
}

async function trade(report, venue, base, amount, price, broker = 'alpha') {
    const vault = chain.at('Vault', report.vaults[broker].address);
    const {address, quote} = report.venues[venue];
    const quantity = viem.parseUnits(amount, report.tokens[base].decimals);
    const receipt = await vault.send(report.vaults[broker].operator, 'trade', intent(), NEVER,
        address, report.tokens[base].address, quantity, limitOf(report, base, quote, price));
    return only(vault, receipt, 'Ended');
}

test('the synthetic chain trades', async () => {
    const report = await deploy(described('synthetix'), chain.url, options());
    const vault = chain.at('Vault', report.vaults.alpha.address);
    assert.equal(await vault.read('held', report.tokens.USDC.address), 20_000_000n * 10n ** 6n);
    assert.equal(await vault.read('held', report.tokens.sBTC.address), 50n * 10n ** 18n);
    assert.equal(report.tokens.WETH.asset, 'ETH');
    assert.equal(report.tokens.sBTC.unit, '10000000000');
    const bought = await trade(report, 'exchange', 'sBTC', '1', '60060');
    assert.deepEqual([bought.result, bought.givenAmount], [RESULT.none, 60_060n * 10n ** 6n]);
    const sold = await trade(report, 'exchange', 'sETH', '-2', '2997');
    assert.deepEqual([sold.result, sold.receivedAmount], [RESULT.none, 5994n * 10n ** 6n]);
    const part = await trade(report, 'exchange', 'sBTC', '60', '60060');
    assert.equal(part.filled, 50n * 10n ** 18n);
    const dear = await trade(report, 'exchange', 'sBTC', '1', '60059');
    assert.equal(dear.result, RESULT.price_outside_bound);
    const exchange = chain.at('SyntheticExchange', report.venues.exchange.address);
    assert.equal(await exchange.read('hasRole', role('FEEDER'), chain.accounts[1]), true);
    assert.equal(await exchange.read('hasRole', role('FEEDER'), chain.accounts[0]), false);
    await exchange.send(chain.accounts[0], 'fail');
    const failed = await trade(report, 'exchange', 'sBTC', '1', '60060');
    assert.equal(failed.result, RESULT.protocol_failed);
});

test('the chain of pools trades, in part where the limit ends it, and lends', async () => {
    const report = await deploy(described('aave-uniswap'), chain.url, options());
    const bought = await trade(report, 'weth-usdc', 'WETH', '10', '3020');
    assert.deepEqual([bought.result, bought.filled], [RESULT.none, 10n * 10n ** 18n]);
    const part = await trade(report, 'weth-usdc', 'WETH', '1000', '3020');
    assert.equal(part.result, RESULT.none);
    assert.ok(part.filled > 0n && part.filled < 1000n * 10n ** 18n);
    const spent = part.givenAmount * 10n ** 18n;
    assert.ok(spent <= 3020n * 10n ** 6n * (part.filled + 10n ** 9n));
    const none = await trade(report, 'weth-usdc', 'WETH', '1', '2900');
    assert.equal(none.result, RESULT.price_outside_bound);
    const sold = await trade(report, 'dai-usdc', 'DAI', '-1000', '0.99');
    assert.deepEqual([sold.result, sold.filled], [RESULT.none, -1000n * 10n ** 18n]);
    // A venue that trades against DAI, which has more digits than the ledger.
    const lent = await trade(report, 'lent-dai', 'aDAI', '100', '1.05');
    assert.equal(lent.result, RESULT.none);
    assert.equal(lent.givenAmount % 10n ** 9n, 0n);
    const back = await trade(report, 'lent-dai', 'aDAI', '-50', '1.03');
    assert.deepEqual([back.result, back.filled], [RESULT.none, -50n * 10n ** 18n]);
    const vault = chain.at('Vault', report.vaults.alpha.address);
    for (const symbol of ['DAI', 'aDAI', 'WETH', 'USDC']) {
        const {address} = report.tokens[symbol];
        const balance = await chain.at('TestToken', address).read('balanceOf', vault.address);
        const dust = await vault.read('dust', address);
        assert.equal(balance - dust, await vault.read('booked', address));
    }
});

test('the chain of one question trades, and pays out', async () => {
    const report = await deploy(described('augur'), chain.url, options());
    const bought = await trade(report, 'market', 'AUG-Y', '100', '0.41');
    assert.deepEqual([bought.result, bought.givenAmount], [RESULT.none, 402n * 10n ** 5n]);
    const no = await trade(report, 'market', 'AUG-N', '100', '0.61', 'beta');
    assert.equal(no.result, RESULT.none);
    const market = chain.at('BinaryMarket', report.venues.market.address);
    await market.send(chain.accounts[3], 'resolve', 1);
    const won = await trade(report, 'market', 'AUG-Y', '-100', '1');
    assert.deepEqual([won.result, won.receivedAmount], [RESULT.none, 100n * 10n ** 6n]);
    const lost = await trade(report, 'market', 'AUG-N', '-100', '0', 'beta');
    assert.deepEqual([lost.result, lost.receivedAmount, lost.filled],
        [RESULT.none, 0n, -100n * 10n ** 6n]);
    assert.equal((await trade(report, 'market', 'AUG-Y', '1', '1')).result, RESULT.reverted);
});

test('everything is handed over to whom it belongs, with a key of one\'s own', async () => {
    const key = viem.keccak256(viem.toHex('deployer'));
    const [, , , , , , , , , someone] = chain.accounts;
    const deployer = npm('viem/accounts').privateKeyToAccount(key).address;
    await chain.rpc('anvil_setBalance', deployer, viem.toHex(10n ** 20n));
    const file = join(folder, 'own.json');
    const own = JSON.parse(readFileSync(described('aave-uniswap'), 'utf8'));
    own.vaults[0].operator_gas = '0.5';
    writeFileSync(file, JSON.stringify(own));
    process.env.CROSSCLEAR_DEPLOY_KEY = key;
    const operator = '0x00000000000000000000000000000000000000A1';
    let report;
    try {
        report = await deploy(file, chain.url, options([`admin=${someone}`,
            `alpha.admin=${someone}`, `alpha.operator=${operator}`]));
    } finally {
        delete process.env.CROSSCLEAR_DEPLOY_KEY;
    }
    assert.equal(BigInt(await chain.rpc('eth_getBalance', operator, 'latest')), 5n * 10n ** 17n);
    const {alpha, beta} = report.vaults;
    assert.deepEqual([alpha.admin, alpha.operator, beta.admin], [someone, operator, deployer]);
    const vault = chain.at('Vault', alpha.address);
    const holds = (contract, name, who) =>
        contract.read('hasRole', name === 'ADMIN' ? ADMIN : role(name), who);
    for (const name of ['ADMIN', 'LISTER', 'OPERATOR', 'GUARDIAN']) {
        assert.equal(await holds(vault, name, deployer), false, name);
    }
    assert.equal(await holds(vault, 'ADMIN', someone), true);
    assert.equal(await holds(vault, 'OPERATOR', operator), true);
    assert.equal(await holds(vault, 'GUARDIAN', chain.accounts[5]), true);
    assert.equal(await holds(vault, 'LISTER', chain.accounts[6]), true);
    const dai = chain.at('TestToken', report.tokens.DAI.address);
    assert.equal(await holds(dai, 'MINTER', deployer), false);
    assert.equal(await holds(dai, 'ADMIN', someone), true);
    const pool = chain.at('ConstantProductPool', report.venues['weth-usdc'].address);
    assert.equal(await pool.read('owner'), someone);
    const bridge = chain.at('Bridge', report.bridge);
    assert.equal(await holds(bridge, 'RELAYER', chain.accounts[2]), true);
    assert.equal(await holds(bridge, 'ADMIN', deployer), false);
});

test('brokers\' vaults on two chains learn of each other', async () => {
    const sites = [];
    for (const [name, url] of [['augur', chain.url], ['synthetix', second.url]]) {
        const report = await deploy(described(name), url, options());
        const file = join(folder, `${name}-report.json`);
        writeFileSync(file, JSON.stringify(report));
        sites.push({report, site: `${file}=${url}`});
    }
    const names = sites.map(({site}) => site);
    assert.equal(await connect(names, chain.contracts), 4);
    assert.equal(await connect(names, chain.contracts), 0);
    const {alpha} = sites[0].report.vaults;
    const vault = chain.at('Vault', alpha.address);
    const usdc = sites[0].report.tokens.USDC.address;
    const to = sites[1].report.vaults.alpha.address;
    const receipt = await vault.send(alpha.operator, 'bridgeOut', intent(), NEVER,
        sites[0].report.bridge, usdc, 5n * 10n ** 6n, 31338n, to);
    assert.equal(only(vault, receipt, 'Ended').result, RESULT.none);
    await assert.rejects(connect([names[0], names[0]], chain.contracts), /different ids/);
    await assert.rejects(connect([names[0].replace(chain.url, second.url), names[1]],
        chain.contracts), /expected chain 31337, as .* says, found 31338/);
});

test('a wrong description is told by its field', () => {
    const good = JSON.parse(readFileSync(described('synthetix'), 'utf8'));
    const wrong = [
        [(d) => { d.tokens[1].decimals = 37; },
            /tokens\[1\]\.decimals: expected a whole number from 0 to 36, found 37/],
        [(d) => { d.tokens[0].scael = 1; }, /tokens\[0\]\.scael: expected one of the fields/],
        [(d) => { delete d.vaults[1].operator; }, /vaults\[1\]\.operator: .*found nothing/],
        [(d) => { d.vaults[0].guardian = '0x12'; }, /vaults\[0\]\.guardian: expected an address/],
        [(d) => { d.venues[0].kind = 'casino'; }, /venues\[0\]\.kind: expected one of synthetic/],
        [(d) => { d.venues[0].quote = 'USD'; }, /venues\[0\]\.quote: expected one of USDC, WETH/],
        [(d) => { d.venues[0].synths[1].token = 'X'; }, /\[0\]\.synths\[1\]\.token: expected/],
        [(d) => { d.venues[0].reserve = 5; }, /venues\[0\]\.reserve: expected a decimal .*found 5/],
        [(d) => { d.vaults[0].balances.DAI = '1'; }, /vaults\[0\]\.balances: expected one of USDC/],
        [(d) => { d.tokens[1].symbol = 'USDC'; }, /tokens: expected names that differ, found/],
        [(d) => { d.bridge[0].mode = 'both'; }, /bridge\[0\]\.mode: expected one of locked,/],
        [(d) => { d.vaults = {}; }, /vaults: expected a list/],
        [(d) => { d.vaults[0] = 1; }, /vaults\[0\]: expected an object, found 1/],
    ];
    const file = join(folder, 'wrong.json');
    for (const [spoil, message] of wrong) {
        const copy = structuredClone(good);
        spoil(copy);
        writeFileSync(file, JSON.stringify(copy));
        assert.throws(() => readDescription(file), {message});
    }
    writeFileSync(file, '{');
    assert.throws(() => readDescription(file), {message: /wrong\.json: /});
    assert.throws(() => readDescription(join(folder, 'none.json')), {message: /none\.json/});
    const known = described('synthetix');
    for (const role of ['operator', 'operator=0x12', 'gamma.operator=deployer', 'chief=deployer']) {
        assert.throws(() => readDescription(known, [role]), {message: /--role .*: expected/});
    }
});

test('more digits than a token has are refused', async () => {
    const copy = JSON.parse(readFileSync(described('augur'), 'utf8'));
    copy.vaults[0].balances.USDC = '1.1234567';
    const file = join(folder, 'digits.json');
    writeFileSync(file, JSON.stringify(copy));
    await assert.rejects(deploy(file, chain.url, options()),
        /vaults\.alpha\.balances: USDC: expected at most 6 digits, as USDC has, found 1\.1234567/);
});

test('without a key there is no deployment but on anvil', async () => {
    const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => { body += chunk; });
        request.on('end', () => {
            const {id, method} = JSON.parse(body);
            const answer = method === 'eth_chainId'
                ? {result: '0x1'} : {error: {code: -32601, message: 'method not found'}};
            response.end(JSON.stringify({jsonrpc: '2.0', id, ...answer}));
        });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${server.address().port}`;
    try {
        await assert.rejects(deploy(described('augur'), url, options()),
            /CROSSCLEAR_DEPLOY_KEY is not set, and this is not anvil/);
        process.env.CROSSCLEAR_DEPLOY_KEY = '0x12';
        await assert.rejects(deploy(described('augur'), url, options()),
            /CROSSCLEAR_DEPLOY_KEY: expected 0x and 64/);
    } finally {
        delete process.env.CROSSCLEAR_DEPLOY_KEY;
        server.close();
        server.closeAllConnections?.();
    }
    await assert.rejects(deploy(described('augur'), 'http://127.0.0.1:1', options()),
        /http:\/\/127\.0\.0\.1:1 does not answer/);
});

test('the commands', async () => {
    // Not synchronously: anvil would wait for somebody to read what it says.
    const run = (script, words, environment = {}) => new Promise((resolve) => {
        const env = {...process.env, ...environment};
        execFile(process.execPath, [join(SCRIPTS, script), ...words], {env},
            (error, stdout, stderr) => resolve({status: error?.code ?? 0, stdout, stderr}));
    });
    for (const script of ['compile.mjs', 'deploy.mjs', 'connect.mjs']) {
        const help = await run(script, ['--help']);
        assert.deepEqual([help.status, help.stdout.split(' ')[0]], [0, script]);
        const unknown = await run(script, ['--what']);
        assert.equal(unknown.status, 2, unknown.stderr);
        const missing = await run(script, ['--help'], {CROSSCLEAR_NPM: ''});
        assert.equal(missing.status, script === 'compile.mjs' ? 0 : 77, missing.stderr);
        const elsewhere = await run('deploy.mjs', ['--help'], {CROSSCLEAR_NPM: folder});
        assert.equal(elsewhere.status, 77);
        assert.match(elsewhere.stderr, /CROSSCLEAR_NPM has no viem/);
    }
    const out = join(folder, 'report.json');
    const compiled = join(folder, 'artifacts');
    mkdirSync(compiled);
    for (const [name, contract] of Object.entries(chain.contracts)) {
        writeFileSync(join(compiled, `${name}.json`), JSON.stringify(contract));
    }
    const words = ['--description', described('augur'), '--rpc', chain.url, '--out', out];
    const done = await run('deploy.mjs', [...words, '--artifacts', compiled]);
    assert.equal(done.status, 0, done.stderr);
    assert.ok(JSON.parse(readFileSync(out, 'utf8')).vaults.alpha.gas_wanted > 1_000_000);
    assert.equal((await run('deploy.mjs', ['--rpc', chain.url])).status, 2);
    assert.equal((await run('connect.mjs', [])).status, 2);
});
