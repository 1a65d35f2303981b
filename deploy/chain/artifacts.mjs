// What the compiler made of the contracts, by name.

import {readFileSync, readdirSync} from 'node:fs';
import {basename, join} from 'node:path';
import {compile} from './compile.mjs';

/** Those of all contracts: out of `folder`, where compile.mjs wrote them, or else compiled now. */
export function artifacts(folder = process.env.CROSSCLEAR_ARTIFACTS) {
    if (!folder) return compile();
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
    const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
    return Object.fromEntries(files.map((file) => [basename(file, '.json'), read(file)]));
}
