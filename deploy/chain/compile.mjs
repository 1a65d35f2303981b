#!/usr/bin/env node
// Compiles the contracts: all of shards/evm/contracts, and what tests add.

import {mkdirSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {runIfMain, readOptions} from './command.mjs';
import {npm, npmFile} from './npm.mjs';

const USAGE = `compile.mjs [--out FOLDER]: compiles shards/evm/contracts; warnings are errors.

  --out FOLDER   writes one CONTRACT.json each: {abi, bytecode, deployedBytecode}
  --also FOLDER  compiles what is in there as well; repeatable
  --help         this text

Needs CROSSCLEAR_NPM, the folder with node_modules.`;

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
/** Where the contracts are that are deployed, below the root of the tree. */
export const CONTRACTS = 'shards/evm/contracts';

const SETTINGS = {
    optimizer: {enabled: true, runs: 200},
    evmVersion: 'cancun', // The first with transient storage, which the vault's guard is in.
    outputSelection: {'*': {'*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object']}},
};

function sourcesIn(folder) {
    const files = readdirSync(folder).filter((file) => file.endsWith('.sol')).sort();
    return files.map((file) => join(folder, file));
}

function findImport(path) {
    const file = path.startsWith('@openzeppelin/') ? npmFile(path) : join(ROOT, path);
    try {
        return {contents: readFileSync(file, 'utf8')};
    } catch {
        return {error: `no such file: ${path}`};
    }
}

// Warnings about packages are not: nobody here can mend them.
function isOurs({severity, sourceLocation}) {
    return severity === 'error' || !sourceLocation?.file.startsWith('@');
}

/** All that the outcome depends on: the sources, the settings, and the versions of packages. */
export function sourcesText() {
    const files = sourcesIn(resolve(ROOT, CONTRACTS));
    const versions = ['solc', '@openzeppelin/contracts'].map((name) =>
        npm(`${name}/package.json`).version);
    return [JSON.stringify([SETTINGS, versions]),
        ...files.map((file) => `${file}\n${readFileSync(file, 'utf8')}`)].join('\n');
}

/**
 * Compiles all contracts in `folders`: paths below the root of the tree, or absolute. Returns
 * {name: {abi, bytecode, deployedBytecode}}; throws an error with whatever the compiler said.
 */
export function compile(folders = [CONTRACTS]) {
    const sources = {};
    for (const file of folders.flatMap((folder) => sourcesIn(resolve(ROOT, folder)))) {
        sources[relative(ROOT, file)] = {content: readFileSync(file, 'utf8')};
    }
    const input = {language: 'Solidity', sources, settings: SETTINGS};
    const options = {import: findImport};
    const output = JSON.parse(npm('solc').compile(JSON.stringify(input), options));
    const found = (output.errors ?? []).filter(isOurs);
    if (found.length > 0) throw new Error(found.map((error) => error.formattedMessage).join('\n'));

    const contracts = {};
    for (const file of Object.keys(sources)) {
        for (const [name, {abi, evm}] of Object.entries(output.contracts[file] ?? {})) {
            if (name in contracts) throw new Error(`two contracts are named ${name}`);
            contracts[name] = {
                abi,
                bytecode: `0x${evm.bytecode.object}`,
                deployedBytecode: `0x${evm.deployedBytecode.object}`,
            };
        }
    }
    return contracts;
}

function main() {
    const options = readOptions(process.argv.slice(2), USAGE, {
        out: {type: 'string'},
        also: {type: 'string', multiple: true},
    });
    const contracts = compile([CONTRACTS, ...(options.also ?? [])]);
    if (options.out !== undefined) {
        mkdirSync(options.out, {recursive: true});
        for (const [name, contract] of Object.entries(contracts)) {
            const text = JSON.stringify(contract, null, 2);
            writeFileSync(join(options.out, `${name}.json`), `${text}\n`);
        }
    }
    const sizes = Object.values(contracts).map(({deployedBytecode: code}) => code.length / 2 - 1);
    const largest = Math.max(...sizes);
    const where = options.out === undefined ? '' : `, written to ${options.out}`;
    console.log(`${sizes.length} contracts compiled, the largest ${largest} bytes${where}`);
}

await runIfMain(import.meta.url, main);
