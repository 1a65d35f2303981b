// What the compiler made of the contracts, by name.

import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync}
    from 'node:fs';
import {basename, join} from 'node:path';
import {compile, sourcesText} from './compile.mjs';

const COMPLETE = 'complete.json';

/** Those of all contracts: out of `folder`, where compile.mjs wrote them, or else compiled now. */
export function artifacts(folder = process.env.CROSSCLEAR_ARTIFACTS) {
    if (!folder) return compile();
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
    const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
    return Object.fromEntries(files.map((file) => [basename(file, '.json'), read(file)]));
}

/**
 * The same out of `cache`, where they were made of the same sources by the same compiler; else they
 * are compiled now and kept there. Several may do so at once.
 */
export function keptArtifacts(cache) {
    const name = createHash('sha256').update(sourcesText()).digest('hex').slice(0, 20);
    const file = join(cache, name, COMPLETE);
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
        if (error.code !== 'ENOENT') throw error;
    }
    const contracts = compile();
    mkdirSync(cache, {recursive: true});
    const made = mkdtempSync(join(cache, 'part-'));
    writeFileSync(join(made, COMPLETE), JSON.stringify(contracts));
    try {
        renameSync(made, join(cache, name));
    } catch (error) {
        // Somebody else was quicker.
        rmSync(made, {recursive: true});
        if (!['EEXIST', 'ENOTEMPTY'].includes(error.code)) throw error;
    }
    return contracts;
}
