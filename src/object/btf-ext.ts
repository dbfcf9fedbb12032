// SPDX-License-Identifier: Apache-2.0
// `.BTF.ext`: which BTF function starts where, which C line each instruction comes from, and CO-RE
// relocations. Documentation/bpf/btf.rst, ".BTF.ext section".
import type { Btf } from './btf.js';
import { ObjectError, type CoreRelocation, type LineSpec } from './spec.js';

/** Everything known about one executable section; slots count from the section's start. */
export interface SectionExtension {
  readonly functions: readonly { readonly instruction: number; readonly typeId: number }[];
  readonly lines: readonly LineSpec[];
  readonly coreRelocations: readonly CoreRelocation[];
}

/** By section name. */
export function readBtfExtension(bytes: Uint8Array, btf: Btf): Map<string, SectionExtension> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new ObjectError('read BTF.ext: bad magic');
  const headerLength = view.getUint32(4, true);
  const functions = readRecords(view, headerLength, 8, btf, (at) => ({
    instruction: view.getUint32(at, true) / 8,
    typeId: view.getUint32(at + 4, true),
  }));
  const lines = readRecords(view, headerLength, 16, btf, (at): LineSpec => {
    const fileOffset = view.getUint32(at + 4, true);
    const textOffset = view.getUint32(at + 8, true);
    const position = view.getUint32(at + 12, true);
    return {
      instruction: view.getUint32(at, true) / 8,
      file: btf.string(fileOffset).replace(/^(\.\/)+/, ''),
      line: position >>> 10,
      column: position & 0x3ff,
      text: btf.string(textOffset).trim(),
      fileOffset,
      textOffset,
    };
  });
  const relocations =
    headerLength < 32
      ? new Map<string, CoreRelocation[]>()
      : readRecords(view, headerLength, 24, btf, (at) => ({
          instruction: view.getUint32(at, true) / 8,
          typeId: view.getUint32(at + 4, true),
          access: btf.string(view.getUint32(at + 8, true)),
          kind: view.getUint32(at + 12, true),
        }));
  const names = new Set([...functions.keys(), ...lines.keys(), ...relocations.keys()]);
  return new Map(
    [...names].map((name) => [
      name,
      {
        functions: functions.get(name) ?? [],
        lines: lines.get(name) ?? [],
        coreRelocations: relocations.get(name) ?? [],
      },
    ]),
  );
}

/** `headerAt`: where the header keeps this table's offset and length. */
function readRecords<T>(
  view: DataView,
  headerLength: number,
  headerAt: number,
  btf: Btf,
  read: (at: number) => T,
): Map<string, T[]> {
  const bySection = new Map<string, T[]>();
  const start = headerLength + view.getUint32(headerAt, true);
  const length = view.getUint32(headerAt + 4, true);
  if (length === 0) return bySection;
  const recordSize = view.getUint32(start, true);
  let at = start + 4;
  while (at < start + length) {
    const name = btf.string(view.getUint32(at, true));
    const count = view.getUint32(at + 4, true);
    at += 8;
    bySection.set(
      name,
      Array.from({ length: count }, (_, index) => read(at + index * recordSize)),
    );
    at += count * recordSize;
  }
  return bySection;
}
