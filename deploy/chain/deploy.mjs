#!/usr/bin/env node
// Deploys one described chain: its tokens, venues and bridge, and a vault for every broker.

import {writeFileSync} from 'node:fs';
import {artifacts} from './artifacts.mjs';
import {build} from './build.mjs';
import {Chain} from './chain.mjs';
import {anvilAccounts, keyOf} from './keys.mjs';
import {UsageError, readOptions, runIfMain} from './command.mjs';
import {readDescription} from './description.mjs';
import {npm} from './npm.mjs';

const KEY = 'CROSSCLEAR_DEPLOY_KEY';
const USAGE = `deploy.mjs --description FILE --rpc URL: deploys contracts, prints addresses.

  --description FILE   what to deploy, as in deploy/chain/synthetix.json
  --rpc URL            a node of the chain, over HTTP
  --role NAME=ADDRESS  instead of what the description says: admin, feeder, relayer, maker, oracle;
                       operator, guardian, lister of all vaults, or BROKER.NAME of one. Repeatable
  --artifacts FOLDER   what compile.mjs wrote; without it, or CROSSCLEAR_ARTIFACTS, compiled now
  --out FILE           writes the addresses there instead, as JSON
  --help               this text

The deployer's private key is in ${KEY}: the command line is seen by everybody. Without one,
and only on anvil, it is the first of the accounts that anvil makes for everybody.
Needs CROSSCLEAR_NPM, the folder with node_modules.`;

function deployer(accounts) {
    const own = keyOf(KEY) ?? accounts[0];
    if (own) return own;
    throw new UsageError(`${KEY} is not set, and this is not anvil: expected the deployer's key`);
}

function resolver(me, accounts) {
    const {getAddress} = npm('viem');
    return (who) => {
        if (who === 'deployer') return me.address;
        if (!who.startsWith('anvil:')) return getAddress(who);
        if (accounts.length > 0) return accounts[Number(who.slice('anvil:'.length))].address;
        throw new UsageError(`${who}: expected an address, since this is not anvil; see --role`);
    };
}

/** Deploys the description in `file` to the chain behind `url`; returns the addresses. */
export async function deploy(file, url, {roles = [], contracts = artifacts()} = {}) {
    const described = readDescription(file, roles);
    const chain = new Chain(url, contracts);
    await chain.rpc('eth_chainId');
    const accounts = await anvilAccounts(chain);
    const me = deployer(accounts);
    return build(chain, me, resolver(me, accounts), described);
}

async function main() {
    const options = readOptions(process.argv.slice(2), USAGE, {
        description: {type: 'string'},
        rpc: {type: 'string'},
        role: {type: 'string', multiple: true},
        artifacts: {type: 'string'},
        out: {type: 'string'},
    });
    for (const name of ['description', 'rpc']) {
        if (options[name] === undefined) throw new UsageError(`--${name} is missing\n\n${USAGE}`);
    }
    // Before the compiler runs: a slip shows at once.
    readDescription(options.description, options.role);
    const contracts = artifacts(options.artifacts);
    const report = await deploy(options.description, options.rpc, {roles: options.role, contracts});
    const json = `${JSON.stringify(report, null, 4)}\n`;
    if (options.out === undefined) process.stdout.write(json);
    else writeFileSync(options.out, json);
}

await runIfMain(import.meta.url, main);
