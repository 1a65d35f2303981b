// Chains that are started, deployed to and ended by one command.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {after, before, test} from 'node:test';
import {keptArtifacts} from '../../deploy/chain/artifacts.mjs';

const SCRIPTS = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/chain');

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'crossclear-site-')); });
const children = [];
after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, {recursive: true});
});

/** Starts the command: what it has said, the end of a line of it, and how it ends. */
function run(...words) {
    const child = spawn(process.execPath, [join(SCRIPTS, 'site.mjs'), ...words],
        {stdio: ['pipe', 'pipe', 'pipe']});
    children.push(child);
    const run = {child, said: '', complaint: ''};
    child.stderr.on('data', (chunk) => { run.complaint += chunk; });
    run.ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    run.ready = new Promise((resolve) => {
        child.stdout.on('data', (chunk) => {
            run.said += chunk;
            const found = /^ready (.*)$/m.exec(run.said);
            if (found) resolve(found[1]);
        });
        child.once('close', () => resolve(undefined));
    });
    return run;
}

async function rpc(url, method, ...params) {
    const response = await fetch(url, {
        method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({jsonrpc: '2.0', id: 1, method, params}),
    });
    return (await response.json()).result;
}

const head = async (url, tag = 'latest') =>
    Number((await rpc(url, 'eth_getBlockByNumber', tag, false)).number);

async function until(claim) {
    const end = Date.now() + 60_000;
    while (!await claim()) {
        assert.ok(Date.now() < end, `not within a minute: ${claim}`);
        await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
}

test('the shipped chains are raised, make blocks, and end with their keeper', async () => {
    const site = run('--out', folder, '--first-id', '555');
    const file = await site.ready;
    assert.equal(file, join(folder, 'site.json'), site.complaint);
    const {chains} = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(chains.map(({shard}) => shard), ['synthetix', 'aave-uniswap', 'augur']);
    for (const [at, {shard, url, websocket, genesis, deployment}] of chains.entries()) {
        assert.equal(websocket, url.replace('http', 'ws'));
        assert.equal(deployment.chain_id, 555 + at);
        assert.equal(Number(await rpc(url, 'eth_chainId')), 555 + at);
        assert.equal((await rpc(url, 'eth_getBlockByNumber', '0x0', false)).hash, genesis);
        assert.ok(await head(url, 'finalized') >= deployment.block, shard);
        const started = await head(url);
        await until(async () => await head(url) >= started + 2);
        const {timestamp} = await rpc(url, 'eth_getBlockByNumber', 'latest', false);
        const ahead = Number(timestamp) - Date.now() / 1000;
        assert.ok(Math.abs(ahead) < 30, `${shard} is ${ahead} s ahead of the clock`);
    }
    assert.match(site.said, /^synthetix: deployed: \d+\.\d s$/m);
    site.child.stdin.end();
    assert.equal(await site.ended, 0);
    await until(() => fetch(chains[0].url).then(() => false, () => true));
});

test('blocks come when they are asked for, and a signal ends it', async () => {
    const site = run('--out', folder, '--description', join(SCRIPTS, 'augur.json'),
        '--block-time', 'never', '--finality', '6');
    const {chains: [{url}]} = JSON.parse(readFileSync(await site.ready, 'utf8'));
    assert.equal(await head(url, 'finalized'), await head(url) - 6);
    assert.equal(await head(url, 'safe'), await head(url) - 3);
    const [from] = await rpc(url, 'eth_accounts');
    const nonce = await rpc(url, 'eth_getTransactionCount', from, 'latest');
    const hash = await rpc(url, 'eth_sendTransaction', {from, to: from, value: '0x1'});
    assert.equal(await rpc(url, 'eth_getTransactionReceipt', hash), null);
    await rpc(url, 'evm_mine');
    assert.equal((await rpc(url, 'eth_getTransactionReceipt', hash)).status, '0x1');
    const before = await rpc(url, 'eth_getBlockByNumber', 'latest', false);
    site.child.stdin.write('replace augur 2\nreplace augur none\n');
    await until(() => site.said.includes('not understood'));
    assert.match(site.said, /^replaced augur 2\nnot understood: replace augur none; expected /m);
    const after = await rpc(url, 'eth_getBlockByNumber', 'latest', false);
    assert.deepEqual([after.number, after.transactions], [before.number, []]);
    assert.notEqual(after.hash, before.hash);
    assert.equal(await rpc(url, 'eth_getTransactionReceipt', hash), null);
    assert.equal(await rpc(url, 'eth_getTransactionCount', from, 'latest'), nonce);
    site.child.kill('SIGTERM');
    assert.equal(await site.ended, 0);
});

test('blocks are replaced between those of the clock', async () => {
    const site = run('--out', folder, '--description', join(SCRIPTS, 'augur.json'),
        '--block-time', '0.05');
    const {chains: [{url}]} = JSON.parse(readFileSync(await site.ready, 'utf8'));
    const from = (await rpc(url, 'eth_accounts'))[3];
    for (let i = 0; i < 100; ++i) {
        await rpc(url, 'eth_sendTransaction', {from, to: from, value: '0x1'});
        site.child.stdin.write('replace augur 1\n');
        await until(() => site.said.split('replaced').length === i + 2);
    }
    // Each nonce that is used has its transaction: the state is that of the blocks.
    let block = await rpc(url, 'eth_getBlockByNumber', 'latest', true);
    const used = await rpc(url, 'eth_getTransactionCount', from, {blockHash: block.hash});
    let mined = 0;
    while (Number(block.number) > 0) {
        mined += block.transactions.filter((one) => one.from === from).length;
        block = await rpc(url, 'eth_getBlockByHash', block.parentHash, true);
    }
    assert.ok(mined > 0);
    assert.equal(mined, Number(used));
    site.child.kill('SIGTERM');
    assert.equal(await site.ended, 0);
});

test('what is wrong is said', async () => {
    const wrong = [
        [['--what'], /Unknown option/], [[], /--out is missing/],
        [['--out', folder, '--block-time', 'soon'], /--block-time soon: expected 0\.05 to 3600/],
        [['--out', folder, '--block-time', '0'], /--block-time 0: expected/],
        [['--out', folder, '--finality', '3'], /--finality 3: expected an even number from 2 to/],
        [['--out', folder, '--first-id', '-1'], /--first-id/],
        [['--out', folder, '--states', '2'], /--states 2: expected a whole number from 3 on/],
        [['--out', folder, ...Array(2).fill(['--description', join(SCRIPTS, 'augur.json')]).flat()],
            /--description: expected names that differ, found augur,augur/],
    ];
    for (const [words, message] of wrong) {
        const site = run(...words);
        assert.equal(await site.ended, 2, words.join(' '));
        assert.match(site.complaint, message);
    }
    const help = run('--help');
    assert.equal(await help.ended, 0);
    assert.match(help.said, /^site\.mjs /);
});

test('what was compiled is kept for the same sources', async () => {
    const cache = join(folder, 'cache');
    const made = keptArtifacts(cache);
    assert.ok(made.Vault.abi.length > 0);
    const [name] = readdirSync(cache);
    const file = join(cache, name, 'complete.json');
    writeFileSync(file, JSON.stringify({kept: true}));
    assert.deepEqual(keptArtifacts(cache), {kept: true});
    assert.equal(readdirSync(cache).length, 1);
});
