#!/usr/bin/env node
// Compiles the contracts once and runs all their tests, or those that are named. CTest calls this.
// Ends with 77, skipped, where CROSSCLEAR_NPM is not set.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {npm} from '../../deploy/chain/npm.mjs';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const COMPILER = join(FOLDER, '../../deploy/chain/compile.mjs');

npm('solc/package.json');
const out = mkdtempSync(join(tmpdir(), 'crossclear-contracts-'));

function run(...words) {
    const env = {...process.env, CROSSCLEAR_ARTIFACTS: out};
    const {status} = spawnSync(process.execPath, words, {env, stdio: 'inherit'});
    return status ?? 1;
}

const wanted = process.argv.slice(2);
const all = readdirSync(FOLDER).filter((file) => file.endsWith('_test.mjs')).sort();
const files = (wanted.length > 0 ? wanted : all).map((file) => join(FOLDER, file));
let status = 1;
try {
    status = run(COMPILER, '--also', join(FOLDER, 'hostile'), '--out', out);
    if (status === 0) status = run('--test', ...files);
} finally {
    rmSync(out, {recursive: true});
}
process.exitCode = status;
