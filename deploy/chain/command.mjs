// What the scripts here have in common as commands.

import {realpathSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

/** Ends the process with `why` and nothing else: the caller did something wrong. */
export class UsageError extends Error {}

/** Reads `words` as `options`, in the terms of parseArgs; --help prints `usage` and ends. */
export function readOptions(words, usage, options) {
    let values;
    try {
        const known = {...options, help: {type: 'boolean'}};
        values = parseArgs({args: words, options: known, strict: true}).values;
    } catch (error) {
        throw new UsageError(`${error.message}\n\n${usage}`);
    }
    if (values.help) {
        console.log(usage);
        process.exit(0);
    }
    return values;
}

/** Runs `main` where the module `url` is the command itself; an error is one message and exit 1. */
export async function runIfMain(url, main) {
    const started = process.argv[1];
    if (!started || realpathSync(started) !== realpathSync(fileURLToPath(url))) return;
    try {
        await main();
    } catch (error) {
        console.error(error.message);
        process.exit(error instanceof UsageError ? 2 : 1);
    }
}
