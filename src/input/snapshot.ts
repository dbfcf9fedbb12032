// SPDX-License-Identifier: Apache-2.0
// A snapshot directory (ARCHITECTURE.md, command line): the dumps of one host side by side.
import { join } from 'node:path';
import type { OtherEnforcement } from '../ruleset/assess/other-enforcement.js';
import type { SourceFile } from '../source/span.js';
import { inputError, kindOf, readSource } from './source.js';

export interface Snapshot {
  readonly rulesV4?: SourceFile;
  readonly rulesV6?: SourceFile;
  readonly sets?: SourceFile;
  readonly host?: SourceFile;
  readonly other: OtherEnforcement;
}

/** Reads a snapshot; throws a located InputError when the directory holds none. */
export async function readSnapshot(directory: string): Promise<Snapshot> {
  const read = async (name: string): Promise<SourceFile | undefined> => {
    const path = join(directory, name);
    if ((await kindOf(path)) === 'absent') return undefined;
    const source = await readSource(path);
    return source.text.trim() === '' ? undefined : source;
  };
  const rulesV4 = await read('rules.v4');
  const rulesV6 = await read('rules.v6');
  const sets = await read('ipset.save');
  const host = await read('host.json');
  const nft = await read('nft.txt');
  const beside = [await read('beside.v4'), await read('beside.v6')].filter((each) => each !== undefined);
  const bpf = await read('bpf.json');
  if (rulesV4 === undefined && rulesV6 === undefined && sets === undefined) {
    throw inputError(
      'IPT0604',
      directory,
      'the directory holds no snapshot: there is no rules.v4, rules.v6 or ipset.save with anything in it',
    );
  }
  return {
    ...(rulesV4 && { rulesV4 }),
    ...(rulesV6 && { rulesV6 }),
    ...(sets && { sets }),
    ...(host && { host }),
    other: { ...(nft && { nft }), ...(beside.length > 0 && { beside }), ...(bpf && { bpf }) },
  };
}
