// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { parseAttachKinds } from '../../src/program/attach-kind.js';

describe('lists of attach kinds', () => {
  test.each([
    ['tc', ['tc']],
    ['netfilter', ['netfilter']],
    ['xdp,tc', ['tc', 'xdp']],
    ['tc, cgroup,tc', ['tc', 'cgroup']],
    ['', undefined],
    ['tc,', undefined],
    ['nft', undefined],
  ])('%s', (text, kinds) => {
    expect(parseAttachKinds(text)).toEqual(kinds);
  });
});
