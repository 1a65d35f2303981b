// What scripts here take from npm, out of the folder that CROSSCLEAR_NPM names; `dev` sets it. They
// look nowhere else, so that what runs is what the lock file pins.

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

// What automake and CTest take for "skipped".
const EXIT_MISSING = 77;

function leave(why) {
    console.error(why);
    process.exit(EXIT_MISSING);
}

function packages() {
    const folder = process.env.CROSSCLEAR_NPM;
    return folder || leave('CROSSCLEAR_NPM is not set: see deploy/setup/npm.sh');
}

/** A package, by name. */
export function npm(name) {
    try {
        return createRequire(join(packages(), 'package.json'))(name);
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        return leave(`CROSSCLEAR_NPM has no ${name}: ${packages()}`);
    }
}

/** A file of a package, as the package names it; undefined where there is none. */
export function npmFile(name) {
    const path = join(packages(), 'node_modules', name);
    return existsSync(path) ? path : undefined;
}

/** For anvil: states of old blocks are forgotten. It would leave them below the user's home for
 *  ever, gigabytes an hour where each transaction is a block. */
export const NOTHING_ON_DISK = ['--max-persisted-states', '0'];

/** Anvil itself: the package's own starter is a script that would run it as a child. */
export function anvilProgram() {
    for (const machine of ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64']) {
        const [system, architecture] = machine.split('-');
        const isOurs = process.platform === system &&
            process.arch === {amd64: 'x64', arm64: 'arm64'}[architecture];
        const program = isOurs && npmFile(`@foundry-rs/anvil-${machine}/bin/anvil`);
        if (program) return program;
    }
    return leave(`CROSSCLEAR_NPM has no anvil for this machine: ${packages()}`);
}
