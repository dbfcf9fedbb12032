// SPDX-License-Identifier: Apache-2.0
// Random chain graphs: a table is refused for a loop exactly where the kernel refuses it (ELOOP).
import { expect, test } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { askIptables, oracleMissing } from '../corpus/iptables-oracle.js';

const missing = oracleMissing();
const CHAINS = ['a', 'b', 'c', 'd'];
const CONDITIONS = ['', '', '-s 10.0.0.1 ', '-m comment --comment x '];

/** Small, fast, good enough to draw graphs (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomTable(random: () => number): string[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const lines = CHAINS.map((chain) => `:${chain} - [0:0]`);
  const count = 2 + Math.floor(random() * 6);
  for (let i = 0; i < count; i++) {
    const jump = random() < 0.2 ? '-g' : '-j';
    const target =
      random() < 0.3 ? `-j ${pick(['ACCEPT', 'RETURN', 'DROP', 'LOG'])}` : `${jump} ${pick(CHAINS)}`;
    lines.push(`-A ${pick(['INPUT', 'FORWARD', ...CHAINS, ...CHAINS])} ${pick(CONDITIONS)}${target}`);
  }
  return lines;
}

function readable(lines: readonly string[]): boolean {
  const parsed = parseSaveFile({ name: 'table', text: `*filter\n${lines.join('\n')}\nCOMMIT\n` });
  const { diagnostics } = resolve({ files: [parsed.file], sets: new Map(), names: DEBIAN_NAMES });
  return diagnostics.every(({ severity }) => severity !== 'error');
}

test('loops are found where the kernel finds them', (context) => {
  if (missing !== undefined) return context.skip(missing);
  const random = generator(7);
  const tables = Array.from({ length: 400 }, () => randomTable(random));
  const answers = askIptables(tables.map((lines) => ({ family: 'ipv4', table: 'filter', lines })));
  const refused = answers.filter(({ accepted }) => !accepted).length;
  expect(refused).toBeGreaterThan(40);
  expect(answers.length - refused).toBeGreaterThan(40);
  for (const [i, lines] of tables.entries()) {
    expect(readable(lines), `${lines.join('\n')}\n${answers[i]!.message}`).toBe(answers[i]!.accepted);
  }
});
