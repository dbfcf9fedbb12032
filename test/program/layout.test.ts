// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import {
  decodeStruct,
  encodeStruct,
  memberOffset,
  placeFields,
  structSize,
} from '../../src/program/layout-codec.js';
import { layoutHeader } from '../../src/program/layout-header.js';
import { CONFIG, CONNECTION, RESULT, STRUCTS } from '../../src/program/layout.js';
import { PACKAGE_ROOT } from '../../src/package-root.js';

describe('layouts', () => {
  test('bpf/lib/layout.h is what layout.ts says (npm run generate)', async () => {
    await expect(layoutHeader()).toMatchFileSnapshot(`${PACKAGE_ROOT}/bpf/lib/layout.h`);
  });

  test.each(STRUCTS.map((layout) => [layout.name, layout] as const))('%s has no holes', (_, layout) => {
    const fields = placeFields(layout);
    let end = 0;
    for (const { offset, type, count } of fields) {
      expect(offset).toBe(end);
      end = offset + { u8: 1, u16: 2, u32: 4, u64: 8 }[type] * count;
    }
    expect(structSize(layout)).toBe(end);
  });

  test('what is written is read back', () => {
    const value = { mode: 1, record: 1, hz: 250, checksum: 2 };
    expect(decodeStruct(CONFIG, encodeStruct(CONFIG, value))).toMatchObject({ ...value, loopback: 0 });
    const connection = encodeStruct(CONNECTION, { expires: 2n ** 40n + 5n, last_segment: 3 });
    expect(decodeStruct(CONNECTION, connection)).toMatchObject({ expires: 2n ** 40n + 5n, last_segment: 3 });
  });

  test('members are found by name', () => {
    expect(memberOffset(RESULT, 'sequence')).toBe(0);
    expect(memberOffset(RESULT, 'verdict')).toBe(8);
  });
});
