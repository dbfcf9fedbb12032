// SPDX-License-Identifier: Apache-2.0
// What the lines of an ipset save file say, before elements are read. Built by grammar/ipset one line at a
// time and handed on at once: a file may have a million of them.
import type { Span } from '../source/span.js';

/** An option of `create` or `add`: flags have no value. */
export interface IpsetOptionNode {
  /** Without leading dashes: `hashsize`, `timeout`, `nomatch`. */
  readonly name: string;
  readonly value?: string;
  readonly span: Span;
}

export interface CreateNode {
  readonly kind: 'create';
  readonly set: string;
  /** As written: `hash:ip`, or an old name such as `iphash`. */
  readonly type: string;
  readonly options: readonly IpsetOptionNode[];
  readonly span: Span;
  readonly text: string;
}

/** `add` and `del`. */
export interface MemberNode {
  readonly kind: 'add' | 'del';
  readonly set: string;
  readonly element: string;
  readonly elementSpan: Span;
  readonly options: readonly IpsetOptionNode[];
  readonly span: Span;
  readonly text: string;
}

/** Commands on whole sets: `flush`, `destroy` (all sets when none is named), `rename`, `swap`. */
export interface SetCommandNode {
  readonly kind: 'flush' | 'destroy' | 'rename' | 'swap';
  readonly sets: readonly string[];
  readonly span: Span;
  readonly text: string;
}

export type IpsetNode = CreateNode | MemberNode | SetCommandNode;
