// SPDX-License-Identifier: Apache-2.0
// What a text is, told by what it says and not by its name.
import { looksLikeIpsetSave } from '../../grammar/ipset/index.js';
import { looksLikeSaveFile } from '../../grammar/index.js';
import type { InputError } from '../diagnostics/input-error.js';
import type { SourceFile } from '../source/span.js';
import { inputError } from './source.js';

export type InputKind = 'rules' | 'sets';

/** Bytes at the beginning that are looked at for signs of something that is no text. */
const LOOKED_AT = 65_536;

/** The kind of a text; throws a located InputError when it is none that can be read. */
export function recognise(source: SourceFile): InputKind {
  const { text } = source;
  if (looksLikeSaveFile(text)) return 'rules';
  if (looksLikeIpsetSave(text)) return 'sets';
  throw unrecognised(source);
}

function unrecognised({ name, text }: SourceFile): InputError {
  const wanted = 'wanted: the output of iptables-save, ip6tables-save or ipset save, or a snapshot directory';
  if (text.trim() === '') return inputError('IPT0603', name, 'the input is empty', wanted);
  if (text.slice(0, LOOKED_AT).includes('\0'))
    return inputError('IPT0603', name, 'this is binary data and no dump of rules', wanted);
  const start = text.trimStart();
  if (start.startsWith('{') && /"interfaces"\s*:/.test(text))
    return inputError(
      'IPT0603',
      name,
      'this is a host description, not a dump of rules',
      'give it with --host',
    );
  if (/^\s*(?:add|create)?\s*table\s+(?:ip|ip6|inet|arp|bridge|netdev)\s/m.test(text.slice(0, LOOKED_AT)))
    return inputError(
      'IPT0603',
      name,
      'this is a native nftables ruleset, which is not read',
      'rules that iptables-nft made are printed by iptables-nft-save',
    );
  if (/^Chain \S+ \(/m.test(text.slice(0, LOOKED_AT)))
    return inputError(
      'IPT0603',
      name,
      'this is the listing of `iptables -L`, which leaves out too much',
      wanted,
    );
  return inputError('IPT0603', name, 'no table of iptables-save and no set of ipset save is in here', wanted);
}
