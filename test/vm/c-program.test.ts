// SPDX-License-Identifier: Apache-2.0
// What clang makes of C, run: maps, data, subprograms, callbacks, rings.
import { describe, expect, it } from 'vitest';
import { Vm } from '../../src/vm/vm.js';
import { hasClang, programObject } from '../support/clang.js';

const FRAME = new Uint8Array(60);

describe.skipIf(!hasClang)('shapes.c (needs clang)', () => {
  it('gives the numbers its source says', async () => {
    const vm = new Vm(await programObject('shapes.c'));
    const inlined = 60 * 3 + (60 >> 2);
    // First packet: no entry, sum 1 + 15 = 16, counter 16. global 16*7+5, local 60+16, table[0], numbers[0].
    expect(vm.runSkb('ingress', FRAME, { mark: 9 }, 0n).action).toBe(117 + 76 + 10 + 1 + inlined);
    // Second: entry found, sum 15, counter 31.
    expect(vm.runSkb('ingress', FRAME, { mark: 9 }, 0n).action).toBe(110 + 91 + 40 + 4 + inlined);
    expect(vm.map('conns').entries()).toEqual([
      { key: Uint8Array.of(9, 0, 0, 0, 2, 0, 0, 0), value: Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0) },
    ]);
    expect(vm.map('events').drain()).toEqual([
      Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0),
      Uint8Array.of(15, 0, 0, 0, 0, 0, 0, 0),
    ]);
  });

  it('reaches the inner map of a map of maps', async () => {
    const vm = new Vm(await programObject('shapes.c'));
    expect(vm.runSkb('egress', FRAME, {}, 0n).action).toBe(7 + 5 + 9);
    expect(vm.runSkb('egress', FRAME, {}, 0n).action).toBe(14 + 5 + 9);
    expect(vm.map('first').lookup(new Uint8Array(4))).toEqual(Uint8Array.of(2, 0, 0, 0));
  });
});
