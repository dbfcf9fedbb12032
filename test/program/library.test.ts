// SPDX-License-Identifier: Apache-2.0
// Each header of bpf/lib compiles alone, and a program of it is written and compiled the same way twice.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { compileC } from '../../src/object/clang.js';
import { readObject } from '../../src/object/object.js';
import { buildProgram, LIBRARY_FOLDER } from '../../src/program/build.js';
import { loadText } from '../model/load-text.js';
import { hasClang } from '../support/clang.js';

const HEADERS = readdirSync(LIBRARY_FOLDER).filter((name) => name.endsWith('.h'));

function rules(count: number): string {
  const lines = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'];
  lines.push('-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT');
  for (let i = 1; i < count; i++) {
    lines.push(`-A INPUT -s 10.${i >> 8}.${i & 255}.1/32 -p tcp -m tcp --dport ${1000 + i} -j ACCEPT`);
  }
  return [...lines, 'COMMIT', ''].join('\n');
}

function instructionCount(object: Uint8Array): number {
  return readObject(object).programs.reduce((sum, { instructions }) => sum + instructions.length / 8, 0);
}

describe.skipIf(!hasClang)(`the C library${hasClang ? '' : ' (clang is not installed)'}`, () => {
  test.each(HEADERS)('%s compiles alone', async (header) => {
    const object = await compileC(
      { name: 'alone.c', text: `#include "${header}"\n` },
      { includeDirs: [LIBRARY_FOLDER] },
    );
    expect(object.length).toBeGreaterThan(0);
  });

  test('the same ruleset gives the same bytes', async () => {
    const ruleset = loadText(rules(10));
    const [first, second] = [
      await buildProgram(ruleset, DEFAULT_HOST),
      await buildProgram(ruleset, DEFAULT_HOST),
    ];
    expect(Buffer.from(first.object).equals(Buffer.from(second.object))).toBe(true);
    expect(first.cSource).toBe(second.cSource);
  });

  test('2,000 rules take as many instructions as 10', async () => {
    const few = await buildProgram(loadText(rules(10)), DEFAULT_HOST);
    const many = await buildProgram(loadText(rules(2000)), DEFAULT_HOST);
    expect(instructionCount(many.object)).toBe(instructionCount(few.object));
  });
});
