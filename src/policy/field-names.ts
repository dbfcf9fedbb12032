// SPDX-License-Identifier: Apache-2.0
// What conditions call fields of the packet's vector that have no term of their own.
import type { FieldName } from '../model/fields.js';

/** Readable where rules ask for them often; the rest by the name that the vector has for them. */
const NAMES: Readonly<Partial<Record<FieldName, string>>> = {
  FRAG: 'fragmentOffset',
  AVAIL: 'headerBytes',
  TCPFLAGS: 'tcpFlags',
  TCPOPT: 'tcpOptions',
  CT: 'connection',
  MARK: 'mark',
  LENGTH: 'length',
  TTL: 'ttl',
  MAC0: 'sourceMacFirst4',
  MAC1: 'sourceMacLast2',
  CTEXPIRES: 'connectionExpires',
};

const FIELDS = new Map(Object.entries(NAMES).map(([field, name]) => [name, field as FieldName]));

/** Values of these are bits: written in hexadecimal. */
const BITS: ReadonlySet<string> = new Set(['TCPFLAGS', 'TCPOPT', 'CT', 'MARK', 'MAC0', 'MAC1']);

export function fieldWord(field: FieldName, mask?: number): string {
  const name = NAMES[field] ?? field;
  return mask === undefined ? name : `${name}&0x${mask.toString(16)}`;
}

export function parseFieldWord(word: string): { readonly field: FieldName; readonly mask: number } {
  const [name = '', mask] = word.split('&');
  return {
    field: FIELDS.get(name) ?? (name as FieldName),
    mask: mask === undefined ? 0xffffffff : Number(mask),
  };
}

export function showsBits(field: FieldName): boolean {
  return BITS.has(field);
}
