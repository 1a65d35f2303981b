#!/usr/bin/env node
// Starts chains on this machine, deploys what is described to them, and keeps them until told to
// stop: a whole world for tests and demos.

import {spawn} from 'node:child_process';
import {mkdirSync, renameSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {artifacts, keptArtifacts} from './artifacts.mjs';
import {Blocks} from './blocks.mjs';
import {Chain} from './chain.mjs';
import {UsageError, readOptions, runIfMain} from './command.mjs';
import {connect} from './connect.mjs';
import {deploy} from './deploy.mjs';
import {readDescription} from './description.mjs';
import {NOTHING_ON_DISK, anvilProgram} from './npm.mjs';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const SHIPPED = ['synthetix', 'aave-uniswap', 'augur'];
const BLOCK_TIMES = ['1', '2', '0.5'];
const FIRST_ID = 31_001;
const START_WAIT_MS = 60_000;
// A node of anvil's calls a block final that has two epochs above it.
const EPOCHS_TO_FINALITY = 2;
const FINALITY = String(EPOCHS_TO_FINALITY);

const USAGE = `site.mjs --out FOLDER: starts chains on this machine, deploys to them, and stays.

  --out FOLDER        where site.json goes: for each chain its shard, url, websocket, genesis and
                      deployment, as deploy.mjs prints it; and SHARD.json, the deployment alone
  --description FILE  one chain, as in deploy/chain/synthetix.json, whose name is its shard's.
                      Repeatable; without it: ${SHIPPED.join(', ')}
  --block-time TIME   of one chain, in the order of descriptions: seconds between blocks, such as
                      0.5; "now", a block for each transaction; or "never", blocks when somebody
                      asks for them. Repeatable; without it: ${BLOCK_TIMES.join(', ')}, and so on
  --finality COUNT    of one chain, in the order of descriptions: a block is final once so many more
                      are there, an even number; safe at half of that. Repeatable; without it:
                      ${FINALITY}
  --first-id NUMBER   the first chain's id, ${FIRST_ID} without it; the others' follow
  --states COUNT      nodes keep the states of so many blocks, as most do that are not archives;
                      without it: of some hundreds
  --artifacts FOLDER  as for deploy.mjs
  --cache FOLDER      keeps there what was compiled, and compiles again only what is another
  --help              this text

Chains are anvil's, each on a free port of 127.0.0.1. It prints one line a step, the last one is
"ready FILE"; then it stays until its standard input closes or it gets SIGTERM or SIGINT, and ends
its chains. Nothing of them is kept. Meanwhile a line "replace SHARD COUNT" on its standard input
has the last blocks of a chain replaced by as many empty ones, and "replaced SHARD COUNT" says that
it is done. More than --finality says would replace what is final.
Needs CROSSCLEAR_NPM, the folder with node_modules.`;

/** How long a step took, as a line. */
async function told(what, work) {
    const started = performance.now();
    const made = await work();
    console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return made;
}

/** The anvils of this process: all end with it. */
class Anvils {
    #children = new Set();

    /** Starts one; the address where it listens. `onEnd` hears if it ends by itself. */
    start({id, finality, states}, onEnd) {
        const kept = states === undefined ? NOTHING_ON_DISK : ['--prune-history', String(states)];
        const epoch = ['--slots-in-an-epoch', String(finality / EPOCHS_TO_FINALITY)];
        const words = ['--port', '0', '--chain-id', String(id), ...epoch, ...kept];
        const child = spawn(anvilProgram(), words, {stdio: ['ignore', 'pipe', 'pipe']});
        this.#children.add(child);
        let said = '';
        return new Promise((resolve, reject) => {
            const late = () => reject(new Error(`anvil is silent: ${said}`));
            const patience = setTimeout(late, START_WAIT_MS);
            const hear = (chunk) => {
                // Later lines are read and dropped, or a full pipe would stop it.
                if (said === undefined) return;
                said += chunk;
                const found = /Listening on ([\d.]+:\d+)/.exec(said);
                if (!found) return;
                said = undefined;
                clearTimeout(patience);
                resolve(found[1]);
            };
            child.stdout.on('data', hear);
            child.stderr.on('data', hear);
            child.once('error', reject);
            child.once('exit', (code, signal) => {
                clearTimeout(patience);
                this.#children.delete(child);
                const error = new Error(`anvil ended with ${code ?? signal}: ${said ?? ''}`);
                reject(error);
                onEnd(error);
            });
        });
    }

    stop() {
        for (const child of this.#children) child.kill('SIGKILL');
    }
}

/** What the chains are to be: {file, name, id, time, finality, states} each. */
function planned(options) {
    const files = options.description ?? SHIPPED.map((name) => join(FOLDER, `${name}.json`));
    const times = options['block-time'] ?? BLOCK_TIMES;
    for (const time of times) {
        const isTime = time === 'now' || time === 'never' ||
            (/^\d+(\.\d+)?$/.test(time) && Number(time) >= 0.05 && Number(time) <= 3600);
        if (isTime) continue;
        throw new UsageError(`--block-time ${time}: expected 0.05 to 3600, "now" or "never"`);
    }
    const depths = options.finality ?? [FINALITY];
    for (const depth of depths) {
        const isDepth = Number(depth) >= 2 && Number(depth) <= 128 && Number(depth) % 2 === 0;
        if (isDepth) continue;
        throw new UsageError(`--finality ${depth}: expected an even number from 2 to 128`);
    }
    const first = Number(options['first-id'] ?? FIRST_ID);
    if (!Number.isSafeInteger(first) || first < 1 || first > 2 ** 32) {
        throw new UsageError(`--first-id ${options['first-id']}: expected a whole number`);
    }
    const states = options.states === undefined ? undefined : Number(options.states);
    if (states !== undefined && !(Number.isSafeInteger(states) && states >= 3)) {
        throw new UsageError(`--states ${options.states}: expected a whole number from 3 on`);
    }
    const plan = files.map((file, at) => ({
        file, name: readDescription(file).name, id: first + at, time: times[at % times.length],
        finality: Number(depths[at % depths.length]), states,
    }));
    const names = plan.map(({name}) => name);
    if (new Set(names).size !== names.length) {
        throw new UsageError(`--description: expected names that differ, found ${names}`);
    }
    return plan;
}

/** Starts one chain and deploys to it while it makes blocks as fast as they are wanted. */
async function raise(anvils, plan, contracts, out, onEnd) {
    const {file, name, time, finality} = plan;
    const where = await told(`${name}: anvil started`, () => anvils.start(plan, onEnd));
    const url = `http://${where}`;
    const chain = new Chain(url, contracts);
    // Else it writes lines for each question that it is asked.
    await chain.rpc('anvil_setLoggingEnabled', false);
    const deployment = await told(`${name}: deployed`, () => deploy(file, url, {contracts}));
    const report = join(out, `${name}.json`);
    writeFileSync(report, `${JSON.stringify(deployment, null, 4)}\n`);
    const {hash} = await chain.rpc('eth_getBlockByNumber', '0x0', false);
    const site = {shard: name, url, websocket: `ws://${where}`, genesis: hash, deployment};
    return {site, chain, time, finality, report: `${report}=${url}`};
}

/** Raises all chains, connects them and writes site.json: its name, and by name their blocks. */
async function build(anvils, plan, contracts, out, onEnd) {
    mkdirSync(out, {recursive: true});
    const raised = await Promise.all(
        plan.map((one) => raise(anvils, one, contracts, out, onEnd)));
    if (raised.length > 1) {
        await told('connected', () => connect(raised.map(({report}) => report), contracts));
    }
    const blocks = new Map();
    for (const {site, chain, time, finality} of raised) {
        // What was deployed is final before anybody looks.
        for (let i = 0; i < finality; ++i) await chain.rpc('evm_mine');
        blocks.set(site.shard, new Blocks(chain));
        await blocks.get(site.shard).pace(time);
    }
    const file = join(out, 'site.json');
    const text = JSON.stringify({chains: raised.map(({site}) => site)}, null, 4);
    // Whoever waits for the file must not read half of it.
    writeFileSync(`${file}.part`, `${text}\n`);
    renameSync(`${file}.part`, file);
    return {file, blocks};
}

/** Does what a line of the standard input asks for; what is to be said of it. */
async function answer(line, blocks) {
    const asked = /^replace (\S+) ([1-9]\d{0,2})$/.exec(line.trim());
    if (!asked || !blocks.has(asked[1])) {
        return `not understood: ${line}; expected "replace SHARD COUNT", one of ` +
            `${[...blocks.keys()].join(', ')} and 1 to 999`;
    }
    try {
        await blocks.get(asked[1]).replace(Number(asked[2]));
    } catch (error) {
        return `not replaced: ${error.message}`;
    }
    return `replaced ${asked[1]} ${asked[2]}`;
}

async function main() {
    const options = readOptions(process.argv.slice(2), USAGE, {
        out: {type: 'string'},
        description: {type: 'string', multiple: true},
        'block-time': {type: 'string', multiple: true},
        finality: {type: 'string', multiple: true},
        'first-id': {type: 'string'},
        states: {type: 'string'},
        artifacts: {type: 'string'},
        cache: {type: 'string'},
    });
    if (options.out === undefined) throw new UsageError(`--out is missing\n\n${USAGE}`);
    const plan = planned(options);
    // Before anything is asked for that its absence would stop.
    anvilProgram();
    const anvils = new Anvils();
    process.once('exit', () => anvils.stop());
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
    process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0));
    // From now on, so that what is asked for too early waits.
    const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();

    const contracts = await told('contracts', () => (options.cache === undefined
        ? artifacts(options.artifacts) : keptArtifacts(options.cache)));
    const onEnd = (error) => {
        console.error(error.message);
        process.exit(1);
    };
    const {file, blocks} = await build(anvils, plan, contracts, options.out, onEnd);
    console.log(`ready ${file}`);
    for await (const line of lines) console.log(await answer(line, blocks));
}

await runIfMain(import.meta.url, main);
