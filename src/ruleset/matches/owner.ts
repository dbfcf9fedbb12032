// SPDX-License-Identifier: Apache-2.0
// owner match, revision 1. iptables-extensions(8) owner; net/netfilter/xt_owner.c.
import { DEBIAN_GROUPS, DEBIAN_USERS } from '../../net/accounts.js';
import { leadingInteger, UINT32_MAX, type Options } from '../options.js';
import { not } from '../values.js';
import { needsOneOf, opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

const MAX_ID = UINT32_MAX - 1;

export const ownerCodec = opaqueMatch('owner', {}, (options) => {
  needsOneOf(options, '--uid-owner', '--gid-owner', '--socket-exists');
  const names = options.node.options.map(({ name }) => name);
  const supplementary = names.indexOf('--suppl-groups');
  if (supplementary >= 0 && !names.slice(0, supplementary).includes('--gid-owner'))
    options.fail(
      options.get('--suppl-groups')!,
      'IPT0226',
      '`--suppl-groups` of `owner` needs `--gid-owner` before it',
    );
  return (
    flagText(options, '--socket-exists') +
    idsText(options, '--uid-owner', DEBIAN_USERS) +
    idsText(options, '--gid-owner', DEBIAN_GROUPS) +
    flagText(options, '--suppl-groups')
  );
});

/** A name that every Debian host has, an id, or `first-last`. */
function idsText(options: Options, name: string, known: Readonly<Record<string, number>>): string {
  const text = options.text(name);
  if (text === undefined) return '';
  const sign = `${not(options.negated(name))} ${name} `;
  if (Object.hasOwn(known, text)) return `${sign}${known[text]!}`;
  const first = leadingInteger(text);
  const last = first !== undefined && /^[-:]/.test(first.rest) ? leadingInteger(first.rest.slice(1)) : first;
  if (
    first === undefined ||
    last?.rest !== '' ||
    first.value > BigInt(MAX_ID) ||
    last.value > BigInt(MAX_ID)
  ) {
    options.badValue(
      name,
      'expected an id or `first-last`; names of accounts differ from host to host, write the number',
    );
    return '';
  }
  return sign + (first.value === last.value ? `${first.value}` : `${first.value}-${last.value}`);
}
