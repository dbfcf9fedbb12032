// SPDX-License-Identifier: Apache-2.0
// Sets back as `ipset save` text: what `ipset restore` reads (ipset(8)).
import type { NameServices } from '../extension.js';
import type { IpSet, SetElement } from '../sets.js';
import { formatPart } from './parts.js';

/** All lines of one set, each with its line end. */
export function* printSet(set: IpSet, names: NameServices): Generator<string> {
  yield `create ${set.name} ${set.type}${createOptions(set)}\n`;
  for (const element of set.elements) {
    const parts = element.parts.map((part) => formatPart(part, names)).join(',');
    const wildcard = element.parts.some((part) => part.kind === 'interface' && part.wildcard);
    yield `add ${set.name} ${parts}${elementOptions(element)}${wildcard ? ' wildcard' : ''}\n`;
  }
  for (const [i, name] of set.members.entries()) {
    const element = set.memberElements?.[i];
    yield `add ${set.name} ${name}${element === undefined ? '' : elementOptions(element)}\n`;
  }
}

/** Lists come last: `ipset restore` wants the sets they name first. */
export function* printSets(sets: ReadonlyMap<string, IpSet>, names: NameServices): Generator<string> {
  for (const set of sets.values()) if (set.type !== 'list:set') yield* printSet(set, names);
  for (const set of sets.values()) if (set.type === 'list:set') yield* printSet(set, names);
}

function createOptions(set: IpSet): string {
  let text = '';
  if (set.family !== undefined && set.type.startsWith('hash:'))
    text += ` family ${set.family === 'ipv6' ? 'inet6' : 'inet'}`;
  for (const [name, value] of Object.entries(set.options))
    text += value === true ? ` ${name}` : ` ${name} ${value}`;
  return text;
}

function elementOptions(element: SetElement): string {
  return (
    (element.timeout === undefined ? '' : ` timeout ${element.timeout}`) +
    (element.nomatch ? ' nomatch' : '') +
    (element.packets === undefined ? '' : ` packets ${element.packets}`) +
    (element.bytes === undefined ? '' : ` bytes ${element.bytes}`) +
    (element.comment === undefined ? '' : ` comment "${element.comment}"`) +
    (element.skbmark === undefined ? '' : ` skbmark ${element.skbmark}`) +
    (element.skbprio === undefined ? '' : ` skbprio ${element.skbprio}`) +
    (element.skbqueue === undefined ? '' : ` skbqueue ${element.skbqueue}`)
  );
}
