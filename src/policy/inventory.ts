// SPDX-License-Identifier: Apache-2.0
// The inventory: which labels stand at which addresses, and how the host that the rules protect is selected. YAML,
// so that people write it by hand; every complaint points into the file.
import { isMap, isScalar, LineCounter, parseDocument, type Node, type Pair } from 'yaml';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import type { AddressRange } from '../net/address.js';
import { compareAddresses } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { SourceFile, Span } from '../source/span.js';
import { parseAddressWord } from './words.js';

export type Labels = Readonly<Record<string, string>>;

export interface InventoryEntry {
  /** As written. */
  readonly cidr: string;
  readonly labels: Labels;
}

export interface Inventory {
  /** What an address is labelled: the labels of every entry that holds it. */
  readonly entries: readonly InventoryEntry[];
  readonly host?: {
    /** Name of the node; Calico's host endpoints ask for it. */
    readonly node?: string;
    /** Given: the rules protect pods of this namespace. Else a node. */
    readonly namespace?: string;
    readonly labels?: Labels;
  };
}

export const NO_INVENTORY: Inventory = { entries: [] };

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ (syntax and character set) */
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const HELP = 'the form is: cidrs: { 192.0.2.0/24: { team: office } }, and host: { labels: { app: web } }';

/** Throws InputError with everything that is wrong, by line. */
export function parseInventory(source: SourceFile): Inventory {
  return new Reader(source).read();
}

interface Placed extends InventoryEntry {
  readonly family: Family;
  readonly range: AddressRange;
  readonly node: Node;
}

class Reader {
  private readonly lines = new LineCounter();
  private readonly text: string;
  private readonly diagnostics: Diagnostic[] = [];

  constructor(private readonly source: SourceFile) {
    this.text = Buffer.from(source.text, 'latin1').toString('utf8');
  }

  read(): Inventory {
    const document = parseDocument(this.text, { lineCounter: this.lines, prettyErrors: false });
    for (const { message, pos } of [...document.errors, ...document.warnings])
      this.complain('IPT1010', `this is not YAML: ${message}`, pos[0], pos[1]);
    this.stopIfWrong();
    const root = document.contents;
    if (!isMap<Node, Node | null>(root)) {
      this.at('IPT1011', 'an inventory is a mapping', root);
      throw new InputError(this.diagnostics);
    }
    let entries: Placed[] = [];
    let host: Inventory['host'];
    for (const { key, value } of root.items) {
      const name = textOf(key);
      if (name === 'cidrs') entries = this.cidrs(value, key);
      else if (name === 'host') host = this.host(value, key);
      else this.at('IPT1011', `\`${name ?? ''}\` is no part of an inventory`, key, HELP);
    }
    this.conflicts(entries);
    this.stopIfWrong();
    return {
      entries: entries.map(({ cidr, labels }) => ({ cidr, labels })),
      ...(host !== undefined && { host }),
    };
  }

  private cidrs(value: Node | null, under: Node): Placed[] {
    return this.pairs(value, under, '`cidrs`').flatMap(({ key, value: given }): Placed[] => {
      const cidr = textOf(key) ?? '';
      const family: Family = cidr.includes(':') ? 'ipv6' : 'ipv4';
      const range = cidr.includes('-') ? undefined : parseAddressWord(cidr, family);
      if (range === undefined) {
        this.at('IPT1012', `\`${cidr}\` is no address prefix`, key, 'write 192.0.2.0/24 or 2001:db8::/32');
        return [];
      }
      const written = parseAddressWord(cidr.split('/')[0]!, family)!;
      if (compareAddresses(written.first, range.first) !== 0) {
        this.at('IPT1012', `\`${cidr}\` has bits behind its prefix`, key);
        return [];
      }
      return [{ cidr, family, range, node: key, labels: this.labels(given, key) }];
    });
  }

  private host(value: Node | null, under: Node): Inventory['host'] {
    const host: { node?: string; namespace?: string; labels?: Labels } = {};
    for (const { key, value: given } of this.pairs(value, under, '`host`')) {
      const name = textOf(key);
      const text = textOf(given);
      if (name === 'labels') host.labels = this.labels(given, key);
      else if (name !== 'node' && name !== 'namespace')
        this.at('IPT1011', `\`${name ?? ''}\` is no part of \`host\``, key, HELP);
      else if (text === undefined || !PREFIX.test(text))
        this.at('IPT1011', `\`${name}\` is a name of lower-case letters, digits and dashes`, given ?? key);
      else host[name] = text;
    }
    return host;
  }

  private labels(value: Node | null, under: Node): Labels {
    const pairs = this.pairs(value, under, 'labels');
    if (pairs.length === 0 && isMap(value)) this.at('IPT1013', 'labels are missing', under, HELP);
    const labels: Record<string, string> = {};
    for (const { key, value: given } of pairs) {
      const name = textOf(key) ?? '';
      const text = textOf(given);
      const [last = '', prefix] = name.split('/').reverse();
      if (!NAME.test(last) || (prefix !== undefined && !PREFIX.test(prefix)) || name.split('/').length > 2)
        this.at('IPT1013', `\`${name}\` is no label key`, key);
      else if (text === undefined || (text !== '' && !NAME.test(text)))
        this.at('IPT1013', `the value of label \`${name}\` is none that Kubernetes takes`, given ?? key);
      else labels[name] = text;
    }
    return labels;
  }

  /** One address cannot have two values of a label. */
  private conflicts(entries: readonly Placed[]): void {
    for (const [i, one] of entries.entries()) {
      for (const other of entries.slice(0, i)) {
        if (one.family !== other.family) continue;
        const meets =
          compareAddresses(one.range.first, other.range.last) <= 0 &&
          compareAddresses(other.range.first, one.range.last) <= 0;
        const key = Object.keys(one.labels).find(
          (each) => (other.labels[each] ?? one.labels[each]) !== one.labels[each],
        );
        if (!meets || key === undefined) continue;
        const label = `${key}: ${other.labels[key]!}`;
        this.at('IPT1014', `\`${one.cidr}\` and \`${other.cidr}\` give \`${key}\` two values`, one.node);
        const last = this.diagnostics[this.diagnostics.length - 1]!;
        this.diagnostics[this.diagnostics.length - 1] = {
          ...last,
          labels: [{ span: this.span(...rangeOf(other.node)), message: `\`${label}\` is given here` }],
        };
      }
    }
  }

  private pairs(value: Node | null, under: Node, what: string): Pair<Node, Node | null>[] {
    if (isMap<Node, Node | null>(value)) return value.items;
    this.at('IPT1011', `${what} must be a mapping`, value ?? under, HELP);
    return [];
  }

  private at(code: string, message: string, node: Node | null, help?: string): void {
    this.complain(code, message, ...rangeOf(node), help);
  }

  private complain(code: string, message: string, from: number, to: number, help?: string): void {
    const span = this.span(from, to);
    const lineText = this.source.text.split('\n')[span.line - 1];
    this.diagnostics.push({
      code,
      severity: 'error',
      message,
      span,
      ...(lineText !== undefined && { lineText: lineText.replace(/\r$/, '') }),
      ...(help !== undefined && { help }),
    });
  }

  /** Offsets of characters as columns of bytes; a span ends with its line. */
  private span(from: number, to: number): Span {
    const { line, col } = this.lines.linePos(from);
    const start = from - col + 1;
    const end = this.text.indexOf('\n', from);
    const last = Math.min(to, end < 0 ? this.text.length : end);
    const bytes = (until: number): number => Buffer.byteLength(this.text.slice(start, until));
    const column = bytes(from) + 1;
    return { file: this.source.name, line, column, endColumn: Math.max(bytes(last) + 1, column + 1) };
  }

  private stopIfWrong(): void {
    if (this.diagnostics.length === 0) return;
    throw new InputError(this.diagnostics.sort((a, b) => a.span!.line - b.span!.line));
  }
}

function rangeOf(node: Node | null): [number, number] {
  return [node?.range?.[0] ?? 0, node?.range?.[1] ?? 0];
}

/** Text of a scalar as it stands in the file: `1.0` stays `1.0`. */
function textOf(node: Node | null): string | undefined {
  if (!isScalar(node)) return undefined;
  return node.source ?? String(node.value);
}
