// SPDX-License-Identifier: Apache-2.0
// comment match: always true. iptables-extensions(8) comment; net/netfilter/xt_comment.c.
import { quoteSaved } from '../options.js';
import { matchCodec } from './codec.js';
import type { Test } from '../../model/model.js';
import { EVERYTHING } from '../../model/box.js';

export interface CommentMatch {
  readonly kind: 'comment';
  readonly comment: string;
}

/** Bytes the kernel keeps. */
const MAX_LENGTH = 255;

export const commentCodec = matchCodec<CommentMatch>({
  name: 'comment',
  checks: { '--comment': { mandatory: true } },
  read: (options) => ({ kind: 'comment', comment: options.text('--comment')!.slice(0, MAX_LENGTH) }),
  print: (match) => ` --comment ${quoteSaved(match.comment)}`,
});

export function lowerComment(): Test {
  return { kind: 'fields', match: EVERYTHING, hotdrop: [] };
}
