// SPDX-License-Identifier: Apache-2.0
// Sizes, offsets and values of the structs in layout.ts, by C's rules for natural alignment.
import type { FieldType, StructLayout } from './layout.js';

const SIZE: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

export function fieldSize(type: FieldType): number {
  return SIZE[type];
}

export interface PlacedField {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
  readonly count: number;
}

/** Offsets in bytes. Layouts name their padding, so a gap is a mistake in layout.ts: it throws. */
export function placeFields(layout: StructLayout): readonly PlacedField[] {
  let offset = 0;
  return layout.fields.map((field) => {
    const size = SIZE[field.type];
    if (offset % size !== 0) throw new Error(`${layout.name}.${field.name} needs padding before it`);
    const placed = { name: field.name, type: field.type, offset, count: field.count ?? 1 };
    offset += size * placed.count;
    return placed;
  });
}

/** sizeof(struct): a multiple of its largest member. */
export function structSize(layout: StructLayout): number {
  const fields = placeFields(layout);
  const last = fields[fields.length - 1];
  const end = last === undefined ? 0 : last.offset + SIZE[last.type] * last.count;
  const align = Math.max(1, ...fields.map((field) => SIZE[field.type]));
  if (end % align !== 0) throw new Error(`struct ${layout.name} needs padding at its end`);
  return end;
}

type MemberValue<F> = F extends { readonly count: number }
  ? readonly number[]
  : F extends { readonly type: 'u64' }
    ? bigint
    : number;

/** The struct as an object: `u64` is bigint, arrays are number arrays. */
export type StructValue<L extends StructLayout> = {
  readonly [F in L['fields'][number] as F['name']]: MemberValue<F>;
};

function readOne(view: DataView, at: number, type: FieldType): number | bigint {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'u64':
      return view.getBigUint64(at, true);
  }
}

function writeOne(view: DataView, at: number, type: FieldType, value: number | bigint): void {
  switch (type) {
    case 'u8':
      view.setUint8(at, Number(value));
      return;
    case 'u16':
      view.setUint16(at, Number(value), true);
      return;
    case 'u32':
      view.setUint32(at, Number(value), true);
      return;
    case 'u64':
      view.setBigUint64(at, BigInt(value), true);
  }
}

export function decodeStruct<L extends StructLayout>(layout: L, bytes: Uint8Array, at = 0): StructValue<L> {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, structSize(layout));
  const out: Record<string, unknown> = {};
  for (const [i, field] of placeFields(layout).entries()) {
    const size = SIZE[field.type];
    out[field.name] =
      layout.fields[i]!.count === undefined
        ? readOne(view, field.offset, field.type)
        : Array.from({ length: field.count }, (_, k) =>
            Number(readOne(view, field.offset + k * size, field.type)),
          );
  }
  return out as StructValue<L>;
}

/** Members left out are zero. */
export function encodeStruct<L extends StructLayout>(layout: L, value: Partial<StructValue<L>>): Uint8Array {
  const bytes = new Uint8Array(structSize(layout));
  const view = new DataView(bytes.buffer);
  const given = value as Readonly<Record<string, number | bigint | readonly number[] | undefined>>;
  for (const field of placeFields(layout)) {
    const member = given[field.name];
    if (member === undefined) continue;
    const size = SIZE[field.type];
    const items = typeof member === 'object' ? member : [member];
    items.forEach((item, k) => writeOne(view, field.offset + k * size, field.type, item));
  }
  return bytes;
}

/** Byte offset of a member, for readers that decode in a hurry. */
export function memberOffset<L extends StructLayout>(layout: L, name: L['fields'][number]['name']): number {
  return placeFields(layout).find((field) => field.name === name)!.offset;
}
