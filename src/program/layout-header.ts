// SPDX-License-Identifier: Apache-2.0
// layout.ts as a C header (bpf/lib/layout.h): structs, constants, static asserts.
import { CONNTRACK_CONSTANTS } from './conntrack-constants.js';
import { placeFields, structSize } from './layout-codec.js';
import {
  ENUMERATIONS,
  EVENT_FRAME_BYTES,
  INTERFACE_SLOTS,
  LOG_PREFIX_BYTES,
  MAX_HITS,
  MAX_LOGS,
  STRUCTS,
} from './layout.js';
import type { Enumeration, StructLayout } from './layout.js';
import { TABLE_CONSTANTS } from './table-format.js';

const C_TYPE = { u8: '__u8', u16: '__u16', u32: '__u32', u64: '__u64' } as const;

function enumerationText(enumeration: Enumeration): string {
  const lines = Object.entries(enumeration.values).map(
    ([name, value]) =>
      `#define ${enumeration.prefix}_${name} ${value > 255 ? `0x${value.toString(16)}` : value}`,
  );
  return `/* ${enumeration.note} */\n${lines.join('\n')}\n`;
}

function structText(layout: StructLayout): string {
  const members = layout.fields.map((field) => {
    const array = field.count === undefined ? '' : `[${field.count}]`;
    const note = field.note === '' ? '' : ` /* ${field.note} */`;
    return `\t${C_TYPE[field.type]} ${field.name}${array};${note}`;
  });
  const asserts = placeFields(layout).map(
    (field) =>
      `_Static_assert(__builtin_offsetof(struct ${layout.name}, ${field.name}) == ${field.offset}, "${layout.name}.${field.name}");`,
  );
  return [
    `/* ${layout.note} */`,
    `struct ${layout.name} {`,
    ...members,
    '};',
    ...asserts,
    `_Static_assert(sizeof(struct ${layout.name}) == ${structSize(layout)}, "${layout.name}");`,
    '',
  ].join('\n');
}

/** The whole of bpf/lib/layout.h. A test compares the committed file with this. */
export function layoutHeader(): string {
  return `/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generated from src/program/layout.ts and table-format.ts by \`npm run generate\`: do not edit. */
#ifndef IPT2EBPF_LAYOUT_H
#define IPT2EBPF_LAYOUT_H

#include <linux/types.h>

#define NO_RULE 0xffffffffu
#define MAX_LOGS ${MAX_LOGS}
#define MAX_HITS ${MAX_HITS}
#define LOG_PREFIX_BYTES ${LOG_PREFIX_BYTES}
#define EVENT_FRAME_BYTES ${EVENT_FRAME_BYTES}
#define INTERFACE_SLOTS ${INTERFACE_SLOTS}

${[...ENUMERATIONS, ...TABLE_CONSTANTS, ...CONNTRACK_CONSTANTS].map(enumerationText).join('\n')}
${STRUCTS.map(structText).join('\n')}
#endif
`;
}
