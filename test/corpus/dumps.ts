// SPDX-License-Identifier: Apache-2.0
// The real dumps among the shared data, with what their index says of each.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../src/net/family.js';
import { DATA_FOLDER } from './data-folder.js';

export interface Dump {
  /** Path below the data folder. */
  readonly path: string;
  readonly family: Family;
  /** Whether iptables-legacy-restore takes it whole. */
  readonly accepted: boolean;
}

export function dumps(): Dump[] {
  return readFileSync(join(DATA_FOLDER, 'INDEX.tsv'), 'latin1')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((fields) => fields[0]?.startsWith('rulesets/') === true)
    .map((fields) => ({
      path: fields[0]!,
      family: fields[6]!.startsWith('IPv6') ? ('ipv6' as const) : ('ipv4' as const),
      accepted: fields[7] === 'accept',
    }))
    .filter((dump) => existsSync(join(DATA_FOLDER, dump.path)));
}

export function readDump(path: string): string {
  return readFileSync(join(DATA_FOLDER, path), 'latin1');
}
